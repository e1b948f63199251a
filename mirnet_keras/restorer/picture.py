"""All that a picture file holds, restored: grey stays grey, transparency goes its own way."""

import dataclasses
from collections.abc import Callable

import numpy as np

from mirnet_keras.images import to_dtype, to_float
from mirnet_keras.pictures import Picture

ALPHA = ("net", "resize", "drop", "flatten")
NEIGHBOURS = np.ones((3, 3), np.uint8)


def restore_picture(
    restore: Callable[[np.ndarray], np.ndarray], picture: Picture, *, scale: int, alpha: str = "net"
) -> Picture:
    """Restores the pixels of a picture and fits its transparency to them; the rest is kept.

    What is wholly transparent is given the colours nearest to it before, so that it does not
    bleed into edges.

    Args:
        restore: function of one image, (height, width, 3) or (height, width), such as a `Restorer`.
        picture: what to restore.
        scale: linear enlargement of `restore`.
        alpha: `"net"` (the opacity goes through the network where that enlarges, else it stays as
            it is: brightness is not opacity), `"resize"` (bicubic), `"drop"` (the result is
            opaque), or `"flatten"` (put on white first). With the first two, what is wholly opaque
            or wholly transparent stays so to the last bit.

    Raises:
        ValueError: for another `alpha`, and what `restore` raises.
    """
    if alpha not in ALPHA:
        raise ValueError(f"`alpha` must be one of {', '.join(ALPHA)}. Received {alpha!r}.")
    if alpha == "flatten":
        picture = picture.on_white()
    elif alpha == "drop":
        picture = dataclasses.replace(picture, alpha=None)
    if picture.alpha is None:
        return dataclasses.replace(picture, pixels=restore(picture.pixels))
    pixels = restore(_spread_colours(picture.pixels, picture.alpha))
    enlarged = picture.alpha
    if scale > 1:
        enlarged = _enlarged(restore if alpha == "net" else None, picture.alpha, scale)
    return dataclasses.replace(picture, pixels=pixels, alpha=enlarged)


def _enlarged(restore, alpha: np.ndarray, scale: int) -> np.ndarray:
    """The opacity enlarged by the network, or bicubically; within what its neighbours have."""
    import cv2

    size = scale * alpha.shape[1], scale * alpha.shape[0]
    least, most = (
        cv2.resize(extreme(alpha, NEIGHBOURS), size, interpolation=cv2.INTER_NEAREST)
        for extreme in (cv2.erode, cv2.dilate)
    )
    if (least == most).all():
        return least
    if restore is None:
        cubic = cv2.resize(to_float(alpha), size, interpolation=cv2.INTER_CUBIC)
        return np.clip(to_dtype(cubic, alpha.dtype), least, most)
    return np.clip(restore(alpha), least, most)


def _spread_colours(pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The pixels, with colours from around where nothing is to be seen of them."""
    if alpha.all():
        return pixels
    opacity = to_float(alpha)[..., None]
    colours = to_float(pixels).reshape(*alpha.shape, -1)
    spread = to_dtype(_filled(colours, opacity).reshape(pixels.shape), pixels.dtype)
    hidden = alpha == 0
    return np.where(hidden if pixels.ndim == 2 else hidden[..., None], spread, pixels)


def _filled(colours: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Colours of weight 0 replaced, by the mean of those around in a smaller copy of the picture.

    Args:
        colours: (height, width, channels).
        weights: (height, width, 1), at least 0.
    """
    import cv2

    height, width = weights.shape[:2]
    if weights.all() or height * width == 1:
        return colours
    size = (width + 1) // 2, (height + 1) // 2
    sums = _resized(colours * weights, size, cv2.INTER_AREA)
    coarse_weights = _resized(weights, size, cv2.INTER_AREA)
    coarse = np.divide(sums, coarse_weights, out=np.zeros_like(sums), where=coarse_weights > 0)
    around = _resized(_filled(coarse, coarse_weights), (width, height), cv2.INTER_LINEAR)
    return np.where(weights > 0, colours, around)


def _resized(image: np.ndarray, size: tuple[int, int], interpolation: int) -> np.ndarray:
    """OpenCV's resize, which would lose a last axis of one channel."""
    import cv2

    return cv2.resize(image, size, interpolation=interpolation).reshape(*size[::-1], -1)
