"""The result, filled strip by strip in its final depth."""

from collections.abc import Callable

import numpy as np

from mirnet_keras.images import to_dtype, to_float
from mirnet_keras.imresize import imresize

LOOKING = 0.6  # of the time, about, where the whole picture is looked at before its tiles
ROWS = 64  # converted at once, so that no second copy of a strip is needed


def result_shape(image: np.ndarray, scale: int) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and dtype of the result for a picture."""
    height, width, *channels = image.shape
    dtype = np.float32 if np.issubdtype(image.dtype, np.floating) else image.dtype
    return (scale * height, scale * width, *channels), np.dtype(dtype)


def in_colour(grey: np.ndarray, out: np.ndarray | None) -> np.ndarray:
    """A grey result in three equal channels; of `out`, where that is given, it is the first."""
    if out is None:
        return np.repeat(grey[..., None], 3, axis=-1)
    out[..., 1:] = grey[..., None]
    return out


class Canvas:
    """A result that is written from the top.

    Args:
        image: the picture: (height, width, 3) or (height, width), whose depth the result gets.
        scale: linear enlargement.
        exact: whether it holds float32 (height, width, 3), neither rounded nor clipped.
        corner: the first row and column of what is written that belong to the result.
        strength: share of what is written in the result, in 0..1; the rest is the plainly enlarged
            picture. An exact canvas takes no share.
        out: where the result goes; None for an array of its own.
        progress: is called with the share that is done, in 0..1: after each strip with rows of the
            result, and before the first as `looked` is.

    Attributes:
        pixels: the result.
    """

    def __init__(
        self,
        image: np.ndarray,
        scale: int,
        *,
        exact: bool = False,
        corner: tuple[int, int] = (0, 0),
        strength: float = 1.0,
        out: np.ndarray | None = None,
        progress: Callable[[float], None] | None = None,
    ):
        shape, dtype = result_shape(image, scale)
        self.pixels = np.empty(shape, np.float32 if exact else dtype) if out is None else out
        self._exact = exact
        self._image, self._scale, self._strength = image, scale, strength
        self._next = -corner[0]  # the row that the next strip begins with
        self._left = corner[1]
        self._progress = progress
        self._begin = 0.0  # the share that is done before the first row

    def looked(self, share: float) -> None:
        """Takes the share, in 0..1, of the looking at the whole picture before the first row."""
        self._begin = LOOKING
        if self._progress is not None:
            self._progress(LOOKING * share)

    def write(self, strip: np.ndarray) -> None:
        """Adds the next rows, float32 (rows, width or more, 3)."""
        height, width = self.pixels.shape[:2]
        first, stop = max(0, -self._next), min(len(strip), height - self._next)
        for begin in range(first, stop, ROWS):
            end = min(begin + ROWS, stop)
            rows = strip[begin:end, self._left : self._left + width]
            if self.pixels.ndim == 2:
                rows = rows.mean(axis=-1)
            if not self._exact:
                rows = to_dtype(self._mixed(rows, self._next + begin), self.pixels.dtype)
            self.pixels[self._next + begin : self._next + end] = rows
        self._next += len(strip)
        if self._progress is not None and first < stop:
            rows_done = min(self._next / height, 1.0)
            self._progress(self._begin + (1 - self._begin) * rows_done)

    def _mixed(self, rows: np.ndarray, first: int) -> np.ndarray:
        """Mix rows of the result, from `first` on, with those of the plainly enlarged picture."""
        if self._strength == 1:
            return rows
        plain = to_float(plainly_enlarged(self._image, self._scale, first, first + len(rows)))
        return plain + np.float32(self._strength) * (np.clip(rows, 0, 1) - plain)


def plainly_enlarged(image: np.ndarray, scale: int, first: int, stop: int) -> np.ndarray:
    """Return rows `first` to `stop` of an image enlarged by the exact bicubic, as at strength 0.

    Args:
        image: (height, width, 3) or (height, width), whose dtype the result has.
        scale: linear enlargement; at 1 these are the image's own rows.
        first, stop: rows of the result.
    """
    if scale == 1:
        return image[first:stop]
    colours = image.reshape(*image.shape[:2], -1)
    return imresize(colours, scale, rows=(first, stop)).reshape(stop - first, -1, *image.shape[2:])
