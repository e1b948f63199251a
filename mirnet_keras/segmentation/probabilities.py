"""What the class probabilities of an image must be."""

import numpy as np

TOLERANCE = 1e-3  # of the sums over classes


class PriorError(ValueError):
    """Class maps cannot be had or used; the message says why and what to do."""


def check_probabilities(
    maps: np.ndarray | None, image_shape: tuple[int, ...], classes: int = 8
) -> None:
    """Raises unless `maps` are the class probabilities of an image.

    Args:
        maps: (height, width, classes), or None where the image has none.
        image_shape: (height, width, ...) of the image that they belong to; in super-resolution
            of the enlarged one.
        classes: how many there are.

    Raises:
        PriorError: when there is no map, or its size or number of classes is wrong, or its
            values are negative or do not sum to 1.
    """
    if maps is None:
        raise PriorError(
            "The image has no class map. Give one, or the background everywhere (prior(None))."
        )
    height, width = image_shape[:2]
    if maps.ndim != 3 or maps.shape[-1] != classes:
        raise PriorError(
            f"Class maps are (height, width, {classes}), the classes last. Received shape "
            f"{maps.shape}."
        )
    if maps.shape[:2] != (height, width):
        raise PriorError(
            f"The class maps have {maps.shape[1]} x {maps.shape[0]} pixels, the image "
            f"{width} x {height}. For super-resolution they have the size of the enlarged image."
        )
    if not np.isfinite(maps).all() or maps.min() < 0:
        raise PriorError(
            "Class probabilities must be finite and not negative. Received values from "
            f"{maps.min():g} to {maps.max():g}. If these are scores, take their softmax."
        )
    sums = maps.sum(axis=-1, dtype=np.float64)
    if np.abs(sums - 1).max() > TOLERANCE:
        raise PriorError(
            "Class probabilities must sum to 1 at every pixel. Received sums from "
            f"{sums.min():g} to {sums.max():g}. If these are scores, take their softmax."
        )
