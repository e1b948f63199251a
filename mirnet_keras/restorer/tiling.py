"""Large pictures in tiles: spread evenly, overlapping, faded into one another.

Nothing here knows a model: `predict` is any function from a batch of tiles to their results.
"""

import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Predict = Callable[[np.ndarray], np.ndarray]
Progress = Callable[[float], None]  # takes the share that is done, in 0..1


def restore_in_tiles(
    predict: Predict, image: np.ndarray, *, scale: int = 1, **tiling: Any
) -> np.ndarray:
    """Restores a picture tile by tile: the strips of `restored_strips` in one array.

    Args:
        predict, image, scale: See there.
        tiling: The other arguments of `restored_strips`.

    Returns:
        float32 (scale * height, scale * width, channels).

    Raises:
        ValueError: when tiles are not larger than the overlap.
    """
    height, width, channels = image.shape
    restored = np.empty((scale * height, scale * width, channels), np.float32)
    top = 0
    for strip in restored_strips(predict, image, scale=scale, **tiling):
        restored[top : top + len(strip)] = strip
        top += len(strip)
    return restored


def restored_strips(
    predict: Predict,
    image: np.ndarray,
    *,
    tile: tuple[int, int],
    overlap: int,
    batch: int = 1,
    scale: int = 1,
    multiple: int = 1,
    margin: int | None = None,
) -> Iterator[np.ndarray]:
    """Restores a picture tile by tile and gives it strip by strip, from the top.

    Where two tiles overlap, the outer part of each is left out (a tile does not see what lies
    beyond its own edge) and the middle fades from one to the other as a raised cosine. So the
    result equals that of the whole picture where no output depends on inputs further away than
    `margin`, and where tiles agree it has their values to the last bit.

    Args:
        predict: from (n, tile height, tile width, channels) of the image's dtype to float32
            (n, scale * tile height, scale * tile width, channels). n is always `batch` where
            there are several tiles (the last ones are filled up), else 1.
        image: (height, width, channels), both sizes multiples of `multiple`.
        tile: height and width of a tile in pixels of the image, rounded down to multiples of
            `multiple`; a shorter side of the image makes the tiles shorter.
        overlap: what neighbouring tiles share at least, in pixels of the image.
        batch: how many tiles go into one call; the result does not depend on it.
        scale: linear enlargement.
        multiple: corners of tiles lie on multiples of it, as the network's own grid does.
        margin: what is left out of each tile where two overlap, in pixels of the image; less
            where less than twice that is shared. None: a quarter of what is shared.

    Yields:
        float32 (rows, scale * width, channels), together all rows. A strip is valid until the
        next is asked for.

    Raises:
        ValueError: when tiles are not larger than the overlap.
    """
    height, width, channels = image.shape
    sides = [
        min(size, side - side % multiple) for size, side in zip((height, width), tile, strict=True)
    ]
    rows, columns = (
        tile_starts(size, side, overlap, multiple)
        for size, side in zip((height, width), sides, strict=True)
    )
    places = list(itertools.product(rows, columns))
    results = _results(predict, image, places, sides, batch)
    band = np.empty((scale * sides[0], scale * width, channels), np.float32)
    above = band[:0].copy()  # what the tiles above left of the rows that they share with this row
    fade = functools.partial(_fade_in, margin=None if margin is None else scale * margin)
    for top, following in itertools.zip_longest(rows, rows[1:]):
        for left, before in zip(columns, [None, *columns], strict=False):
            shared = 0 if before is None else before + sides[1] - left
            under = band[:, scale * left : scale * (left + sides[1])]
            fade(under.swapaxes(0, 1), next(results).swapaxes(0, 1), scale * shared)
        fade(band, band, len(above), above=above)
        done = len(band) if following is None else scale * (following - top)
        yield band[:done]
        above = band[done:].copy()


def tile_starts(size: int, side: int, overlap: int, multiple: int = 1) -> list[int]:
    """Spreads tiles evenly along one axis: distances differ by at most one `multiple`.

    Args:
        size: of the axis, in pixels, a multiple of `multiple`.
        side: of a tile, the same.
        overlap: what neighbours share at least, less than `side` where one tile is not enough.
        multiple: the grid of the positions.

    Returns:
        The first pixel of each tile; the first tile begins and the last ends with the axis.

    Raises:
        ValueError: when tiles are not larger than the overlap.
    """
    if size <= side:
        return [0]
    stride = side // multiple - -(-overlap // multiple)
    if stride < 1:
        raise ValueError(
            f"Tiles must be larger than their overlap. Received tiles of {side} pixels and an "
            f"overlap of {overlap} (on a grid of {multiple}). Use larger tiles or less overlap."
        )
    room = (size - side) // multiple
    gaps = -(-room // stride)
    return [multiple * (i * room // gaps) for i in range(gaps + 1)]


def _results(predict: Predict, image, places, sides, batch: int) -> Iterator[np.ndarray]:
    """Yields the result of each tile in order, computed `batch` at a time."""
    batch = batch if len(places) > 1 else 1
    for first in range(0, len(places), batch):
        chosen = places[first : first + batch]
        filled = chosen + chosen[-1:] * (batch - len(chosen))
        tiles = [image[top : top + sides[0], left : left + sides[1]] for top, left in filled]
        yield from predict(np.stack(tiles))[: len(chosen)]


def _fade_in(
    canvas: np.ndarray,
    piece: np.ndarray,
    shared: int,
    margin: int | None,
    above: np.ndarray | None = None,
) -> None:
    """Lays a piece on a canvas of its size, faded into what is there along the first axis.

    Args:
        canvas: (side, ...); filled up to `shared`, where `above` is None.
        piece: (side, ...), which may be the canvas itself.
        shared: how far the piece overlaps what is there.
        margin: how much of either is left out; None for a quarter of `shared`.
        above: (shared, ...), what is there; by default the canvas.
    """
    there = canvas[:shared] if above is None else above
    margin = shared // 4 if margin is None else min(margin, (shared - 1) // 2)
    margin = max(margin, 0)
    fading = slice(margin, shared - margin)
    ramp = _ramp(shared - 2 * margin).reshape(-1, *[1] * (piece.ndim - 1))
    # Not (1 - ramp) * old + ramp * new: this way equal values stay equal to the last bit.
    faded = there[fading] + ramp * (piece[fading] - there[fading])
    canvas[:margin] = there[:margin]
    canvas[fading] = faded
    if canvas is not piece:
        canvas[shared - margin :] = piece[shared - margin :]


@functools.lru_cache(maxsize=64)
def _ramp(size: int) -> np.ndarray:
    """Raised cosine from 0 to 1, without either, and point-symmetric: (size,) float32."""
    phase = np.pi * (np.arange(size) + 0.5) / size
    return (0.5 - 0.5 * np.cos(phase)).astype(np.float32)
