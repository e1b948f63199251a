"""Sharp pictures reduced and degraded as photographs on the web and from phones, reproducibly.

These are test inputs: fixed in kind and strength, and made apart from the training data's
`mirnet_keras.data.PhotoDegradation`.
"""

import contextlib
import functools
import tempfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from mirnet_keras.data import imresize
from mirnet_keras.data.degradations import coded_as_jpeg
from mirnet_keras.images import crop_to_multiple, list_images, read_image, to_uint8, write_image

SHARP = "sr/BSD100/HR_jpeg"
IMAGES = 20  # of them
CAMERA_QUALITY = 90  # of the JPEG files that cameras and phones write


def clean(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return the picture as it is."""
    return image


def web_jpeg(image: np.ndarray, random: np.random.Generator, quality: int) -> np.ndarray:
    """Return the picture coded as JPEG 4:2:0 once."""
    return coded_as_jpeg(image, quality)


def camera(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return the picture with signal-dependent, slightly smoothed noise, as a camera's JPEG."""
    values = image.astype(np.float32)
    noise = _smoothed(random.standard_normal(image.shape, np.float32), 0.6)
    noisy = values + np.sqrt(24 + 0.72 * values) * noise / noise.std()
    return coded_as_jpeg(to_uint8(noisy / 255), CAMERA_QUALITY)


def phone(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return the picture with light noise, denoised and sharpened until edges have halos."""
    noisy = image + 4 * random.standard_normal(image.shape, np.float32)
    smooth = cv2.bilateralFilter(noisy.astype(np.float32), 5, 12, 1.5)
    sharp = smooth + 1.8 * (smooth - _smoothed(smooth, 1.2))
    return coded_as_jpeg(to_uint8(sharp / 255), CAMERA_QUALITY)


DEGRADATIONS = {
    "clean": clean,
    "JPEG 85": functools.partial(web_jpeg, quality=85),
    "JPEG 70": functools.partial(web_jpeg, quality=70),
    "JPEG 50": functools.partial(web_jpeg, quality=50),
    "camera": camera,
    "phone": phone,
}


def degraded(sharp: np.ndarray, scale: int, kind: str, seed: int) -> np.ndarray:
    """Return a picture reduced by the exact bicubic and then degraded.

    Args:
        sharp: (height, width, 3) uint8, sides multiples of `scale`.
        scale: linear reduction.
        kind: key of `DEGRADATIONS`.
        seed: of the noise.

    Returns:
        (height / scale, width / scale, 3) uint8.
    """
    return DEGRADATIONS[kind](imresize(sharp, 1 / scale), np.random.default_rng(seed))


@contextlib.contextmanager
def degraded_sets(data: Path, scale: int) -> Iterator[dict[str, tuple[Path, Path]]]:
    """Write the first pictures of BSD100, degraded in each kind, to temporary folders.

    Args:
        data: Folder of the test data.
        scale: Linear reduction.

    Yields:
        Folders of inputs and of targets, by name.
    """
    with tempfile.TemporaryDirectory() as temporary:
        sets = {}
        for kind in DEGRADATIONS:
            inputs, targets = (Path(temporary) / kind / side for side in ("inputs", "targets"))
            for seed, path in enumerate(list_images(data / SHARP)[:IMAGES]):
                sharp = crop_to_multiple(read_image(path), scale)
                write_image(targets / f"{path.stem}.png", sharp)
                write_image(inputs / f"{path.stem}.png", degraded(sharp, scale, kind, seed))
            sets[f"BSD100 ({IMAGES}), {kind}"] = (inputs, targets)
        yield sets


def _smoothed(image: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(image, (0, 0), sigma)
