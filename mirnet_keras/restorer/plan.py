"""How a picture is cut: whole where it fits into memory, else the largest tiles that do."""

import dataclasses
import math

from mirnet_keras.restorer.errors import RestorerError
from mirnet_keras.restorer.memory import free_memory
from mirnet_keras.restorer.tiling import tile_starts

SIDES = (768, 576, 512, 384, 256, 192, 128, 96, 64)  # of tiles; few, because each size is compiled
STEP = 16  # tiles shrink in these steps, towards what the picture needs
WORKING_MEMORY = 5 * 2**28  # beside the result, without a budget: 24 megapixels stay below 3 GB
WHOLE_MEMORY = 3 * 2**30  # for networks that would pass over tiles several times
BAND_BYTES = 2 * 3 * 4  # for each pixel of a row of tiles: the row, and what is made of it


@dataclasses.dataclass(frozen=True)
class Estimate:
    """What restoring a picture will take.

    Attributes:
        tile: (height, width) of the tiles in pixels of the input; the padded picture's own where
            it is restored whole.
        tiles: their number.
        memory: bytes beyond what the process holds, the result among them.
        seconds: by the speed of this `Restorer` so far; None before its first picture.
    """

    tile: tuple[int, int]
    tiles: int
    memory: int
    seconds: float | None = None


@dataclasses.dataclass(frozen=True)
class Costs:
    """What decides the size of the tiles.

    Attributes:
        pixel_bytes: working memory of the network for each pixel of its input.
        result_bytes: of a pixel of the result.
        scale: linear enlargement.
        multiple: sides of tiles are multiples of it.
        overlap: what tiles share at least.
        batch: tiles in one call; the whole picture is one.
        largest: the side of the largest tile, and of the largest square that is done whole.
        whole_memory: bytes beside the result that the whole picture may take where no budget is
            given; tiles may take `WORKING_MEMORY`.
    """

    pixel_bytes: float
    result_bytes: int
    scale: int
    multiple: int
    overlap: int
    batch: int
    largest: int | None
    whole_memory: float = WORKING_MEMORY

    def working(self, tile: tuple[int, int]) -> float:
        """Bytes that the network needs for a batch of tiles."""
        return self.batch * tile[0] * tile[1] * self.pixel_bytes

    def estimate(self, size: tuple[int, int], tile: tuple[int, int]) -> Estimate:
        """What tiles of a size cost for a picture, (height, width) each."""
        sides = min(tile[0], size[0]), min(tile[1], size[1])
        rows, columns = (
            len(tile_starts(length, side, self.overlap, self.multiple))
            for length, side in zip(size, sides, strict=True)
        )
        tiles = rows * columns
        result = self.scale**2 * size[0] * size[1] * self.result_bytes
        return Estimate(sides, tiles, int(self.passing(size, sides) + result))

    def passing(self, size: tuple[int, int], tile: tuple[int, int]) -> float:
        """Bytes beside the result: of the network, and of a row of tiles that is put together."""
        sides = min(tile[0], size[0]), min(tile[1], size[1])
        band = 0 if sides == tuple(size) else self.scale**2 * sides[0] * size[1] * BAND_BYTES
        return self.working(sides) + band


def tile_sides(costs: Costs, below: int | None = None) -> list[int]:
    """The sides that tiles may have, the largest first.

    Args:
        costs: of the network. Its `largest` is passed only where no smaller tile would be larger
            than the overlap.
        below: only sides up to this; None for any.

    Returns:
        Multiples of `multiple`; with `below` perhaps none.
    """
    multiple = costs.multiple
    least = -(-costs.overlap // multiple) * multiple + multiple
    rounded = dict.fromkeys(side - side % multiple for side in SIDES)
    possible = [side for side in rounded if side >= least] or [2 * least]
    paying = [side for side in possible if side <= (costs.largest or math.inf)]
    most = math.inf if below is None else below
    return [side for side in paying or possible[-1:] if side <= most]


def choose_tile(
    size: tuple[int, int], costs: Costs, budget: int | None, below: int | None = None
) -> tuple[int, int]:
    """The size of the tiles for a picture.

    Args:
        size: (height, width) of the picture.
        costs: of the network.
        budget: bytes that restoring may take beyond what the process holds; None: half of what is
            free, of which beside the result no more than `WORKING_MEMORY`, or `whole_memory`.
        below: only sides up to this; None for any, and for the whole picture.

    Returns:
        (height, width), the picture's own for the whole.

    Raises:
        RestorerError: when not even the smallest tiles fit.
    """
    room = budget if budget is not None else free_memory() // 2

    def fits(tile, most=WORKING_MEMORY):
        needed = costs.estimate(size, tile).memory
        serves = budget is not None or costs.passing(size, tile) <= most
        return needed <= room and serves

    is_one = below is None and size[0] * size[1] <= (costs.largest or math.inf) ** 2
    if is_one and fits(size, costs.whole_memory):
        return size
    for side in tile_sides(costs, below):
        tile = (_shrunk(size[0], side, costs), _shrunk(size[1], side, costs))
        if fits(tile):
            return tile
    least_side = tile_sides(costs)[-1]
    least = costs.estimate(size, (least_side, least_side)).memory
    limit = "the budget is" if budget is not None else "there are only"
    raise RestorerError(
        f"A picture of {size[1]} x {size[0]} pixels needs {least / 1e6:.0f} MB even in the "
        f"smallest tiles, but {limit} {room / 1e6:.0f} MB. "
        "Close other programs, raise the memory budget, or cut the picture."
    )


def pixels_at_once(
    size: tuple[int, int],
    tile: tuple[int, int],
    costs: Costs,
    budget: int | None,
    below: int | None = None,
) -> int:
    """How many pixels the network can take in one call; at least a batch of tiles.

    Args:
        size, costs, budget: see `choose_tile`.
        tile: what that gave.
        below: no more than a batch of tiles of this side: with more, memory was missing.
    """
    if budget is None:
        room: float = min(WORKING_MEMORY, free_memory() // 2)
    else:
        room = budget - costs.estimate(size, tile).memory + costs.working(tile)
    most = math.inf if below is None else costs.batch * below**2
    return max(costs.batch * tile[0] * tile[1], int(min(most, room / costs.pixel_bytes)))


def _shrunk(size: int, side: int, costs: Costs) -> int:
    """A smaller side that needs no more tiles, on a coarse grid; a short picture's own size."""
    if size <= side:
        return size
    count = len(tile_starts(size, side, costs.overlap, costs.multiple))
    needed = -(-(size + (count - 1) * (costs.overlap + costs.multiple)) // count)
    step = math.lcm(STEP, costs.multiple)
    return min(side, -(-needed // step) * step)
