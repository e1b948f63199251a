"""Noisy test sets: real cameras' published ones, and Gaussian noise, the same every time."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mirnet_keras.images import list_images, read_image, to_uint8, write_image

REAL = {"CC15": "denoise/test_cc15", "PolyU": "denoise/test_polyu"}
SIGMAS = (15, 25, 50)  # standard deviations on the scale 0..255
CLEAN = "sr/BSD100/HR_jpeg"  # what the Gaussian noise is added to


def noisy(image: np.ndarray, sigma: float, seed: int) -> np.ndarray:
    """White Gaussian noise on an 8-bit picture, rounded and clipped to 8 bits again."""
    noise = np.random.default_rng(seed).standard_normal(image.shape, np.float32)
    return to_uint8((image + sigma * noise) / np.float32(255))


@contextlib.contextmanager
def noisy_sets(data: Path) -> Iterator[dict[str, Path]]:
    """Folders with `noisy/` and `clean/`, by name; those with Gaussian noise are temporary.

    Args:
        data: the folder of the test data.
    """
    with tempfile.TemporaryDirectory() as temporary:
        sets = {name: data / folder for name, folder in REAL.items()}
        for sigma in SIGMAS:
            folder = sets[f"BSD100, sigma {sigma}"] = Path(temporary) / str(sigma)
            for seed, path in enumerate(list_images(data / CLEAN)):
                image = read_image(path)
                write_image(folder / "clean" / f"{path.stem}.png", image)
                write_image(folder / "noisy" / f"{path.stem}.png", noisy(image, sigma, seed))
        yield sets
