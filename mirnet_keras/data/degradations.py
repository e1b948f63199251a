"""Synthetic degradations of clean images, as functions of an image and a random generator."""

import dataclasses
import math

import cv2
import numpy as np

from mirnet_keras.images import to_float, to_uint8


@dataclasses.dataclass(frozen=True)
class GaussianNoise:
    """Gaussian noise: white, or of neighbouring pixels alike, as a camera's processing leaves it.

    Args:
        sigma: (low, high). Standard deviation on the scale 0..255, drawn uniformly for each crop.
        blur: (low, high). Standard deviation in pixels of the Gaussian that smooths the noise,
            drawn uniformly; 0 leaves it white. `sigma` counts after it.
        eight_bit: bool. Whether the noisy picture is rounded to 8 bit and clipped, as a file is.
    """

    sigma: tuple[float, float] = (0.0, 50.0)
    blur: tuple[float, float] = (0.0, 0.0)
    eight_bit: bool = False

    def __post_init__(self):
        check_ranges(sigma=self.sigma, blur=self.blur)

    def __call__(self, image: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """A noisy copy of `image`, (height, width, channels) float32 in 0..1."""
        sigma = np.float32(random.uniform(*self.sigma) / 255)
        noise: np.ndarray = random.standard_normal(image.shape, np.float32)
        blur = random.uniform(*self.blur) if any(self.blur) else 0
        noisy = image + sigma * _smoothed(noise, blur)
        return np.clip(np.rint(noisy * 255), 0, 255) / 255 if self.eight_bit else noisy


@dataclasses.dataclass(frozen=True)
class PoissonGaussianNoise:
    """Noise of a sensor: shot noise that grows with the light, and read noise that does not.

    Args:
        photons: (low, high). Photons at full brightness, drawn log-uniformly for each crop.
        read: (low, high). Standard deviation of the read noise on the scale 0..255.
    """

    photons: tuple[float, float] = (50.0, 2000.0)
    read: tuple[float, float] = (0.0, 5.0)

    def __post_init__(self):
        check_ranges(read=self.read)
        check_ranges(above_zero=True, photons=self.photons)

    def __call__(self, image: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """A noisy copy of `image`, (height, width, channels) float32 in 0..1, not clipped."""
        photons = np.exp(random.uniform(*np.log(self.photons)))
        read = random.uniform(*self.read) / 255
        shot = random.poisson(np.clip(image, 0, None) * photons) / photons
        return (shot + read * random.standard_normal(image.shape)).astype(np.float32)


@dataclasses.dataclass(frozen=True)
class CameraNoise:
    """Noise as a camera's file has it: a sensor's, in linear light, after the camera's processing.

    Red and blue are amplified to make white of a lamp's light, neighbouring pixels and the three
    colours are alike since the camera interpolates, mixes and smooths them, dark parts are
    stretched by the gamma, and the file has 8 bits.

    Args:
        photons: (low, high). Photons of green at full brightness, as in `PoissonGaussianNoise`.
        read: (low, high). Standard deviation of the read noise in linear light, on 0..255.
        blur: (low, high). Standard deviation in pixels of the Gaussian that smooths the noise,
            drawn uniformly. The strength counts after it.
        common: (low, high). Share of the noise's variance that the three colours have in common.
        balance: (low, high). Share of green's photons that red and blue get, drawn for each.
    """

    photons: tuple[float, float] = (100.0, 4000.0)
    read: tuple[float, float] = (0.0, 1.0)
    blur: tuple[float, float] = (0.3, 1.1)
    common: tuple[float, float] = (0.0, 0.7)
    balance: tuple[float, float] = (0.4, 1.0)

    def __post_init__(self):
        check_ranges(read=self.read, blur=self.blur, common=self.common)
        check_ranges(above_zero=True, photons=self.photons, balance=self.balance)
        if self.common[1] > 1:
            raise ValueError(f"`common` is a share, at most 1. Received {self.common!r}.")

    def __call__(self, image: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """A noisy copy of `image`, (height, width, 3) float32 in 0..1."""
        linear = np.clip(image, 0, 1) ** 2.2
        light = np.array([random.uniform(*self.balance), 1, random.uniform(*self.balance)])
        photons = light * np.exp(random.uniform(*np.log(self.photons)))
        read = random.uniform(*self.read) / 255 / np.sqrt(light)
        common = random.uniform(*self.common)
        noise = np.sqrt(1 - common) * random.standard_normal(image.shape, np.float32)
        noise += np.sqrt(common) * random.standard_normal((*image.shape[:2], 1), np.float32)
        noise = _smoothed(noise, random.uniform(*self.blur))
        deviation = np.sqrt(linear / photons + read**2)
        noisy = np.clip(linear + deviation * noise, 0, 1) ** (1 / 2.2)
        return (np.rint(noisy * 255) / 255).astype(np.float32)


@dataclasses.dataclass(frozen=True)
class LowLight:
    """Darken an image as a short exposure does, in linear light, with noise, and store it in 8 bit.

    Args:
        gain: (low, high). Fraction of the light that is left, drawn log-uniformly.
        photons: (low, high). Photons at full brightness of the dark image, as in
            `PoissonGaussianNoise`.
        gamma: (low, high). Exponent of the tone curve of the dark image; 2.2 is the usual one.
        balance: (low, high). Factors of red and blue, as of a wrong white balance.
        blur: (low, high). Standard deviation in pixels of the Gaussian that smooths the noise.
        compressed: Share of the crops that are stored as JPEG, with a quality of 75 to 98.
    """

    gain: tuple[float, float] = (0.02, 0.2)
    photons: tuple[float, float] = (500.0, 5000.0)
    gamma: tuple[float, float] = (2.2, 2.2)
    balance: tuple[float, float] = (1.0, 1.0)
    blur: tuple[float, float] = (0.0, 0.0)
    compressed: float = 0.0

    def __post_init__(self):
        check_ranges(blur=self.blur, compressed=(self.compressed, 1))
        check_ranges(
            above_zero=True,
            gain=self.gain,
            photons=self.photons,
            gamma=self.gamma,
            balance=self.balance,
        )

    def __call__(self, image: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Return a dark copy of `image`, (height, width, channels) float32 in 0..1."""
        gain = np.exp(random.uniform(*np.log(self.gain)))
        cast = np.array([_drawn(self.balance, random), 1, _drawn(self.balance, random)], np.float32)
        linear = np.clip(image, 0, 1) ** 2.2 * gain * cast
        noisy = PoissonGaussianNoise(self.photons, (0.0, 1.0))(linear, random)
        if blur := _drawn(self.blur, random):
            noisy = linear + _smoothed(noisy - linear, blur)
        dark = to_uint8(np.clip(noisy, 0, 1) ** (1 / _drawn(self.gamma, random)))
        if self.compressed and random.random() < self.compressed:
            dark = coded_as_jpeg(dark, int(random.integers(75, 99)))
        return to_float(dark)


def _drawn(limits: tuple[float, float], random: np.random.Generator) -> float:
    """Return a number from a range; one that leaves no choice costs no draw."""
    low, high = limits
    return low if low == high else random.uniform(low, high)


def coded_as_jpeg(image: np.ndarray, quality: int, subsampled: bool = True) -> np.ndarray:
    """Code an image as JPEG and decode it again.

    Args:
        image: (height, width, 3) uint8.
        quality: 1 to 100.
        subsampled: whether colours have half the resolution (4:2:0) or all of it (4:4:4).

    Returns:
        The same shape and type.
    """
    sampling = (
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420 if subsampled else cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444
    )
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
    _, file = cv2.imencode(".jpg", np.ascontiguousarray(image[..., ::-1]), options)
    return np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR))[..., ::-1]


def _smoothed(noise: np.ndarray, blur: float) -> np.ndarray:
    """Noise whose neighbours are alike, as strong as before; a `blur` of 0 leaves it as it is."""
    if not blur:
        return noise
    smooth = np.asarray(cv2.GaussianBlur(noise, (0, 0), blur), np.float32)
    return smooth * (noise.std() / smooth.std())


def check_ranges(above_zero: bool = False, **ranges) -> None:
    """Raise `ValueError` where a range is not two finite numbers, the lower one first."""
    for name, value in ranges.items():
        numbers = value if isinstance(value, (list, tuple)) else ()
        is_range = len(numbers) == 2 and all(isinstance(x, (int, float)) for x in numbers)
        is_range = is_range and 0 <= numbers[0] <= numbers[1] < math.inf
        if not is_range or (above_zero and numbers[0] == 0):
            least = "above 0" if above_zero else "of at least 0"
            raise ValueError(
                f"`{name}` must be a range, two numbers {least}, the lower one first. "
                f"Received {value!r}."
            )
