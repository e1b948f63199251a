"""What an export takes from the quality of restored pictures."""

import dataclasses
import importlib.resources
import math
from collections.abc import Callable, Iterable

import numpy as np

from mirnet_keras.export.report import ExportArgumentError
from mirnet_keras.export.representative import fit
from mirnet_keras.images import crop_to_multiple, read_image, to_float, to_uint8
from mirnet_keras.imresize import imresize
from mirnet_keras.metrics import score
from mirnet_keras.models import RestorationModel

Picture = tuple[np.ndarray, np.ndarray | None]  # what the network gets, and the ground truth
SIDE = 160  # of the part of a bundled picture that a file of any size is tried on
USUAL_SCORE = 30.0  # dB, of a restored picture whose ground truth is not known


@dataclasses.dataclass(frozen=True)
class Quality:
    """An exported file beside its model, on pictures.

    Attributes:
        pictures: their number.
        psnr_to_model: dB, of the file's pictures against the model's; mean.
        score: dB, PSNR of the file's pictures against the ground truth, and `model_score`, of the
            model's; None where there is no ground truth. On luma with the border cut for networks
            that enlarge, else on RGB.
        model_score: see there.
        loss: dB, what the file takes from the score. Without ground truth: what its error would
            take from a picture of 30 dB.
    """

    pictures: int
    psnr_to_model: float
    score: float | None
    model_score: float | None
    loss: float


def bundled_pictures(model: RestorationModel, shape: tuple[int, int] | None) -> list[Picture]:
    """The pictures of the demo, as this network would get them.

    Networks that enlarge get them reduced, others the dark one. Its ground truth is given only
    when the network brightens it: others are not made for it.

    Args:
        model: in float32.
        shape: (height, width) of a file for one size, else None.
    """
    if model.inputs[0].shape[-1] != 3:
        return []
    size = shape or (SIDE, SIDE)
    if model.scale == 1:
        dark, bright = _bundled("coffee_dark.png"), _bundled("coffee.webp")
        source, target = (part(picture, size, 1) for picture in (dark, bright))
        restored = model.restore(source)
        is_made_for_it = np.mean((restored - target) ** 2) < np.mean((source - target) ** 2)
        return [(source, target if is_made_for_it else None)]
    pictures: list[Picture] = []
    for name in ("cat.webp", "coffee.webp"):
        target = crop_to_multiple(_bundled(name), model.scale)
        source = to_float(imresize(to_uint8(target), 1 / model.scale))
        pictures.append((part(source, size, 1), part(target, size, model.scale)))
    return pictures


def listed(pictures: Iterable[Picture] | None) -> list[Picture] | None:
    """The pictures that were given, to go through them more than once; None where none were.

    Raises:
        ExportArgumentError: for an empty list of them, by which every file would be good.
    """
    found = None if pictures is None else list(pictures)
    if found == []:
        raise ExportArgumentError(
            "`pictures` holds none to try the file on. Give one at least, or leave it out."
        )
    return found


def fitted(pictures: Iterable[Picture], scale: int, shape: tuple[int, int] | None) -> list[Picture]:
    """Pictures in float, cut or mirrored to the size of a file for one size."""
    floats = [(to_float(x), None if y is None else to_float(y)) for x, y in pictures]
    if shape is None:
        return floats
    return [(part(x, shape, 1), None if y is None else part(y, shape, scale)) for x, y in floats]


def part(picture: np.ndarray, size: tuple[int, int], scale: int) -> np.ndarray:
    """The middle of a picture, `scale * size` large; one of any size stays smaller if it is."""
    height, width = (scale * side for side in size)
    picture = fit(picture, (height, width))
    # Whole pixels of the unscaled picture, so that the parts of both show the same.
    top, left = (
        scale * ((have // scale - side) // 2)
        for have, side in zip(picture.shape, size, strict=False)
    )
    return picture[top : top + height, left : left + width]


def measure(
    model: RestorationModel,
    restore: Callable[[np.ndarray], np.ndarray],
    pictures: Iterable[Picture],
) -> Quality | None:
    """Compares a file with its model.

    Args:
        model: in float32.
        restore: the file: (height, width, channels) float32 in 0..1 to the same, larger.
        pictures: of `bundled_pictures` or `fitted`.

    Returns:
        The quality, or None without pictures.
    """
    to_model, scores, model_scores = [], [], []
    protocol = "rgb" if model.scale == 1 else "classical-y"
    for source, target in pictures:
        expected, received = model.restore(source), restore(source)
        to_model.append(_psnr(np.mean((expected - received) ** 2)))
        if target is not None:
            scores.append(score(target, received, protocol, model.scale).psnr)
            model_scores.append(score(target, expected, protocol, model.scale).psnr)
    if not to_model:
        return None
    psnr_to_model = float(np.mean(to_model))
    if scores:
        mean, model_mean = float(np.mean(scores)), float(np.mean(model_scores))
        return Quality(len(to_model), psnr_to_model, mean, model_mean, model_mean - mean)
    loss = 10 * math.log10(1 + 10 ** ((USUAL_SCORE - psnr_to_model) / 10))
    return Quality(len(to_model), psnr_to_model, None, None, loss)


def _psnr(error: float) -> float:
    return float(-10 * np.log10(max(error, 1e-15)))


def _bundled(name: str) -> np.ndarray:
    return to_float(
        read_image(str(importlib.resources.files("mirnet_keras") / "demo_images" / name))
    )
