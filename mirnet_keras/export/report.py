"""How far an exported file is from the model it was made of."""

import contextlib
import dataclasses
import importlib.resources
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from mirnet_keras.images import read_image, to_float
from mirnet_keras.models import RestorationModel

# Height and width of the pictures that a file for any size is tried with; odd sides must be padded.
SIZES = ((24, 37), (53, 76))


class ExportError(RuntimeError):
    """A model cannot be exported, or the exported file differs from the model."""


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns a disk that is full or cannot be written into an ExportError that names `path`."""
    try:
        yield
    except OSError as error:
        raise ExportError(
            f"'{path}' cannot be written: {error.strerror}. Nothing was written."
        ) from error


class ExportArgumentError(ValueError):
    """An export was asked for with arguments that do not fit; the message says what does."""


@dataclasses.dataclass(frozen=True)
class ExportReport:
    """What came of an export: the file was loaded back and compared with the Keras model.

    Attributes:
        format: "saved_model" or "litert".
        file: path of the file or folder.
        bytes: size of all of it.
        largest_error: largest absolute difference to the float32 Keras model, images in 0..1.
        mean_error: mean absolute difference.
        sizes: (height, width) of the images tried.
    """

    format: str
    file: str
    bytes: int
    largest_error: float
    mean_error: float
    sizes: tuple[tuple[int, int], ...]


def compare(
    model: RestorationModel,
    restore: Callable[..., np.ndarray],
    sizes: Iterable[tuple[int, int]] = SIZES,
    tolerance: float = 1e-4,
) -> dict:
    """Compares an exported file with its model on a photograph.

    Args:
        model: the Keras model, in float32.
        restore: runs the exported file: (1, height, width, channels) float32 in 0..1, and the
            segmentation if the network takes one -> the same, `model.scale` times larger.
        sizes: height and width of the images.
        tolerance: largest absolute difference that is allowed.

    Returns:
        The report's `largest_error`, `mean_error` and `sizes`.

    Raises:
        ExportError: for a larger difference, another output shape, or NaN.
    """
    errors = []
    for height, width in sizes:
        inputs = [_photograph(height, width, model.inputs[0].shape[-1])[None]]
        if model.classes is not None:
            inputs.append(_segmentation(model.scale * height, model.scale * width, model.classes))
        expected, received = model.restore(*inputs), restore(*inputs)
        if received.shape != expected.shape:
            raise ExportError(
                f"The exported file gives {received.shape} for an image of {height} x {width}, "
                f"not {expected.shape} as the model. Nothing was written."
            )
        error = np.abs(received - expected)
        if not error.max() <= tolerance:  # also for NaN
            raise ExportError(
                f"The exported file differs from the model by {error.max():.2g} on an image of "
                f"{height} x {width}; {tolerance:g} is allowed. Nothing was written."
            )
        errors.append(error)
    return {
        "largest_error": float(max(error.max() for error in errors)),
        "mean_error": float(np.mean([error.mean() for error in errors])),
        "sizes": tuple(sizes),
    }


def _segmentation(height: int, width: int, classes: int) -> np.ndarray:
    """Probabilities that change over the image: (1, height, width, classes)."""
    random = np.random.default_rng(0).random((1, -(-height // 16), -(-width // 16), classes))
    large = np.kron(random, np.ones((1, 16, 16, 1)))[:, :height, :width]
    return (large / large.sum(axis=-1, keepdims=True)).astype(np.float32)


def size_in_bytes(path: Path) -> int:
    """Returns the size of a file, or of all files in a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _photograph(height: int, width: int, channels: int) -> np.ndarray:
    """A part of the demo's picture, from the rim of the cup; repeated where more is asked."""
    file = importlib.resources.files("mirnet_keras") / "demo_images" / "coffee.webp"
    picture = to_float(read_image(str(file)))
    rows = (20 + np.arange(height)) % picture.shape[0]
    columns = (140 + np.arange(width)) % picture.shape[1]
    return picture[rows[:, None, None], columns[None, :, None], np.arange(channels) % 3]
