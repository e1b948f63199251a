"""The degradations that ordinary photographs have gone through."""

import dataclasses

import cv2
import numpy as np
from PIL import Image

from mirnet_keras.data.degradations import (
    CameraNoise,
    GaussianNoise,
    check_ranges,
    coded_as_jpeg,
)
from mirnet_keras.images import to_float, to_uint8
from mirnet_keras.imresize import imresize

JPEG_BLOCK = 16  # pixels of a 4:2:0 coding unit; crops start anywhere inside one
KERNELS = (
    Image.Resampling.BOX,
    Image.Resampling.BILINEAR,
    Image.Resampling.BICUBIC,
    Image.Resampling.LANCZOS,
)


@dataclasses.dataclass(frozen=True)
class PhotoDegradation:
    """Degrade a sharp image as lenses, cameras, editors and web sites do.

    In this order, each for a share of the crops: blur; reduction by `scale` with one of several
    kernels, in one or two steps; noise, white or as cameras leave it; a camera's own noise
    reduction and sharpening; one or two JPEG or WebP compressions whose blocks start anywhere.
    The idea of randomised orders and strengths is that of BSRGAN (Zhang et al., ICCV 2021) and
    Real-ESRGAN (Wang et al., ICCV Workshops 2021).

    Args:
        scale: Linear reduction, such as 1, 2 or 4.
        clean: Share of crops that are only reduced, by exact bicubic; at scale 1, left unchanged.
        blurred: Share of the others that are blurred before the reduction.
        blur: (low, high). Standard deviation of the blur, in pixels of the result.
        noisy: Share with noise.
        sigma: (low, high). Standard deviation of white noise, on the scale 0..255.
        photons: (low, high). Photons at full brightness of camera noise; see `CameraNoise`.
        processed: Share with a camera's noise reduction and sharpening.
        sharpening: (low, high). Factor by which fine detail is amplified beyond its original.
        compressed: Share compressed once; a third of them is compressed twice.
        quality: (low, high). Quality of JPEG and WebP.

    Raises:
        ValueError: for a scale below 1, a share outside 0..1, or numbers that are not a range.
    """

    scale: int = 1
    clean: float = 0.15
    blurred: float = 0.5
    blur: tuple[float, float] = (0.2, 1.0)
    noisy: float = 0.5
    sigma: tuple[float, float] = (1.0, 20.0)
    photons: tuple[float, float] = (250.0, 8000.0)
    processed: float = 0.3
    sharpening: tuple[float, float] = (0.2, 2.0)
    compressed: float = 0.8
    quality: tuple[float, float] = (30.0, 95.0)

    def __post_init__(self):
        if not isinstance(self.scale, int) or self.scale < 1:
            raise ValueError(f"`scale` must be a whole number from 1. Received {self.scale!r}.")
        for name in ("clean", "blurred", "noisy", "processed", "compressed"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(
                    f"`{name}` must be a share from 0 to 1. Received {getattr(self, name)!r}."
                )
        check_ranges(blur=self.blur, sigma=self.sigma, sharpening=self.sharpening)
        check_ranges(above_zero=True, photons=self.photons, quality=self.quality)

    def __call__(self, image: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Return a degraded copy, `scale` times smaller.

        Args:
            image: (height, width, 3) float32 in 0..1, sides multiples of `scale`.
            random: draws everything: the same state gives the same copy.

        Returns:
            (height / scale, width / scale, 3) float32 in 0..1, rounded to 8 bits.
        """
        if random.random() < self.clean:
            return _eight_bit(imresize(image, 1 / self.scale) if self.scale > 1 else image)
        if random.random() < self.blurred:
            image = _blurred(image, self.scale * random.uniform(*self.blur), random)
        image = _reduced(image, self.scale, random)
        if random.random() < self.noisy:
            image = self._noise(random)(image, random)
        if random.random() < self.processed:
            image = _processed(image, random.uniform(*self.sharpening), random)
        image = _eight_bit(image)
        if random.random() < self.compressed:
            for _ in range(1 + (random.random() < 1 / 3)):
                image = _compressed(image, round(random.uniform(*self.quality)), random)
        return image

    def _noise(self, random: np.random.Generator):
        if random.random() < 0.5:
            blur = (0.3, 0.9) if random.random() < 0.5 else (0.0, 0.0)
            return GaussianNoise(self.sigma, blur)
        return CameraNoise(self.photons)


def _blurred(image: np.ndarray, sigma: float, random: np.random.Generator) -> np.ndarray:
    """Blur by a Gaussian, round or elongated, or by a small disc (defocus)."""
    kind = random.choice(3, p=(0.5, 0.3, 0.2))
    size = 2 * int(np.ceil(3 * sigma)) + 1
    y, x = np.mgrid[:size, :size] - size // 2
    if kind == 2:
        kernel = np.clip(2 * sigma + 0.5 - np.hypot(x, y), 0, 1)
    else:
        angle = random.uniform(0, np.pi)
        narrow = sigma * (random.uniform(0.3, 1) if kind == 1 else 1)
        along = x * np.cos(angle) + y * np.sin(angle)
        across = y * np.cos(angle) - x * np.sin(angle)
        kernel = np.exp(-((along / sigma) ** 2 + (across / narrow) ** 2) / 2)
    return cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT_101)


def _reduced(image: np.ndarray, scale: int, random: np.random.Generator) -> np.ndarray:
    """Reduce by `scale` with a kernel drawn for each of one or two steps; 1 keeps the size."""
    if scale == 1:
        return image
    height, width = (side // scale for side in image.shape[:2])
    if random.random() < 0.5:
        between = random.uniform(1.1, scale)
        image = _resized(image, round(height * between), round(width * between), random)
    return _resized(image, height, width, random)


def _resized(image: np.ndarray, height: int, width: int, random: np.random.Generator):
    kernel = KERNELS[random.integers(len(KERNELS))]
    planes = (Image.fromarray(np.ascontiguousarray(image[..., c])) for c in range(3))
    return np.stack([np.asarray(plane.resize((width, height), kernel)) for plane in planes], -1)


def _processed(image: np.ndarray, amount: float, random: np.random.Generator) -> np.ndarray:
    """Smooth flat parts as cameras do against noise, then sharpen with halos."""
    image = image.astype(np.float32)
    if random.random() < 0.7:
        image = cv2.bilateralFilter(image, 5, random.uniform(0.02, 0.12), random.uniform(0.8, 2))
    smooth = cv2.GaussianBlur(image, (0, 0), random.uniform(0.6, 1.8))
    return image + np.float32(amount) * (image - smooth)


def _compressed(image: np.ndarray, quality: int, random: np.random.Generator) -> np.ndarray:
    """Code and decode as JPEG 4:2:0, JPEG 4:4:4 or WebP, with blocks that start anywhere."""
    top, left = random.integers(JPEG_BLOCK, size=2)
    padded = cv2.copyMakeBorder(to_uint8(image), top, 0, left, 0, cv2.BORDER_REFLECT_101)
    kind = random.choice(3, p=(0.65, 0.2, 0.15))
    if kind == 2:
        _, file = cv2.imencode(".webp", padded[..., ::-1], [cv2.IMWRITE_WEBP_QUALITY, quality])
        decoded = np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR))[..., ::-1]
    else:
        decoded = coded_as_jpeg(padded, quality, subsampled=kind == 0)
    return to_float(decoded[top:, left:])


def _eight_bit(image: np.ndarray) -> np.ndarray:
    return to_float(to_uint8(image))
