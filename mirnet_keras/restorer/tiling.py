"""Large pictures in tiles: spread evenly, overlapping, faded into one another.

Nothing here knows a model: `predict` is any function from a batch of tiles to their results.
"""

import functools
import itertools
from collections.abc import Callable, Iterator

import numpy as np

Predict = Callable[[np.ndarray], np.ndarray]


def restore_in_tiles(
    predict: Predict,
    image: np.ndarray,
    *,
    tile: tuple[int, int],
    overlap: int,
    batch: int = 1,
    scale: int = 1,
    multiple: int = 1,
) -> np.ndarray:
    """Restores a picture tile by tile; it needs the result and one row of tiles in memory.

    Where two tiles overlap, the outer quarter of each is left out (a tile does not see what lies
    beyond its own edge) and the middle half fades from one to the other as a raised cosine. So
    the result equals that of the whole picture where no output depends on inputs further away
    than a quarter of `overlap`, and where tiles agree it has their values to the last bit.

    Args:
        predict: from (n, tile height, tile width, channels) of the image's dtype to float32
            (n, scale * tile height, scale * tile width, channels), n at most `batch`.
        image: (height, width, channels), both sizes multiples of `multiple`.
        tile: height and width of a tile in pixels of the image, rounded down to multiples of
            `multiple`; a shorter side of the image makes the tiles shorter.
        overlap: what neighbouring tiles share at least, in pixels of the image.
        batch: how many tiles go into one call; the result does not depend on it.
        scale: linear enlargement.
        multiple: corners of tiles lie on multiples of it, as the network's own grid does.

    Returns:
        float32 (scale * height, scale * width, channels).

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
    restored = np.empty((scale * height, scale * width, channels), np.float32)
    band = np.empty((scale * sides[0], scale * width, channels), np.float32)
    places = list(itertools.product(rows, columns))
    for (top, left), result in zip(
        places, _results(predict, image, places, sides, batch), strict=True
    ):
        _fade_in(band.swapaxes(0, 1), result.swapaxes(0, 1), columns, left, scale)
        if left == columns[-1]:
            _fade_in(restored, band, rows, top, scale)
    return restored


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
    for first in range(0, len(places), batch):
        tiles = [
            image[top : top + sides[0], left : left + sides[1]]
            for top, left in places[first : first + batch]
        ]
        yield from predict(np.stack(tiles))


def _fade_in(canvas: np.ndarray, piece: np.ndarray, starts: list[int], start: int, scale: int):
    """Lays a piece over the canvas along the first axis, over what its predecessor left there.

    Args:
        canvas: (size, ...), filled up to the end of the piece that began before `start`.
        piece: (side, ...).
        starts: of all pieces, in pixels of the input; `start` is one of them.
    """
    begin = scale * start
    under = canvas[begin : begin + len(piece)]
    if start == starts[0]:
        under[:] = piece
        return
    previous = scale * starts[starts.index(start) - 1]
    shared = previous + len(piece) - begin
    margin = shared // 4
    fading = slice(margin, shared - margin)
    ramp = _ramp(shared - 2 * margin).reshape(-1, *[1] * (piece.ndim - 1))
    # Not (1 - ramp) * old + ramp * new: this way equal values stay equal to the last bit.
    under[fading] += ramp * (piece[fading] - under[fading])
    under[shared - margin :] = piece[shared - margin :]


@functools.lru_cache(maxsize=64)
def _ramp(size: int) -> np.ndarray:
    """Raised cosine from 0 to 1, without either, and point-symmetric: (size,) float32."""
    phase = np.pi * (np.arange(size) + 0.5) / size
    return (0.5 - 0.5 * np.cos(phase)).astype(np.float32)
