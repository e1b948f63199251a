"""One picture's statistics for all of its tiles, in networks that look at the whole picture."""

import dataclasses
import functools
import itertools
import math

import keras
import numpy as np

from mirnet_keras.images import to_float
from mirnet_keras.layers.image_statistic import gathered_statistics, given_statistics
from mirnet_keras.models import RestorationModel
from mirnet_keras.restorer.tiling import Predict, Progress, tile_starts

WHOLE_SIDE = 256  # of tiles that make up a whole picture at once
LARGEST_SIDE = 512  # of tiles that are taken one by one
# A sample that suffices where the statistics are plain means: small tiles, spread evenly. Of 2.2
# megapixels that came to 93 dB between tiles and whole with `rcan_small_x2`, and to 81 where the
# picture was a mosaic of 25; tiles of 128 to 81 and 70, a whole megapixel in tiles of 256 to 84
# and 77. MIRNet-v2's attention may rest on a few pixels of the picture: there a sample is a start.
SAMPLE_SIDE, SAMPLE_PIXELS = 64, 2**18
MOST_PASSES = 3
# What may lack of a statistic, as a share, before the last pass; more where the sample is large.
# With `mirnet_lowlight_small`, on six pictures of 1.8 to 2.2 megapixels and samples of 0.5 and 0.9,
# a pass that found less than half lacking led to 55 dB and more between tiles and whole.
TOLERANCE, TOLERANCE_OF_MANY, MANY_PIXELS = 0.2, 0.5, 2**19


@dataclasses.dataclass(frozen=True)
class Part:
    """A tile of a picture, and what of it counts: rows and columns, first and behind the last."""

    tile: tuple[slice, slice]
    region: tuple[tuple[int, int], tuple[int, int]]

    @property
    def fractions(self) -> list[float]:
        """The region in fractions of the tile's sides."""
        return [
            (end - side.start) / (side.stop - side.start)
            for side, ends in zip(self.tile, self.region, strict=True)
            for end in ends
        ]


class PictureStatistics:
    """Gathers the statistics of a picture from its tiles, and restores tiles with them.

    As many tiles as the memory takes at once go through the network together, and each layer is
    given what they have to say: for the tiles of a whole picture that is exact. Of a larger
    picture they are a sample. Where that does not suffice, passes over all tiles find what comes
    out where the layers are given the statistics so far, and what the sample lacked is added while
    it goes through again. Each pass brings the statistics much closer to exact; they end when
    little was lacking.

    Args:
        network: one of `GLOBAL_NETWORKS`.
        overlap: of the tiles, at most a quarter of them; the parts that count meet in its middle.
        largest_side: of the tiles.
        sampled: whether a sample of `SAMPLE_PIXELS` suffices.
    """

    def __init__(
        self,
        network: RestorationModel,
        overlap: int,
        largest_side: int | None = None,
        sampled: bool = False,
    ):
        self._network = network
        self._overlap = overlap
        self._largest_side = min(largest_side or LARGEST_SIDE, LARGEST_SIDE)
        self._sampled = sampled
        self._gathering = _Gathering(network)
        self._given = _Given(network)

    def predictor(self, picture: np.ndarray, pixels: int, report: Progress) -> Predict:
        """A function that restores tiles of this picture.

        Args:
            picture: (height, width, 3).
            pixels: how many the network can take at once.
            report: is called with the share of all passes that is done, in 0..1; fewer may do.
        """
        count = np.array([picture.shape[0] * picture.shape[1]], np.float32)
        statistics = self._statistics(picture, pixels, count, report)
        return lambda tiles: self._given.predict_on_batch([tiles, count, statistics])

    def _statistics(self, picture, pixels: int, count, report: Progress) -> list[np.ndarray]:
        sample, suffices = self._sample(picture.shape, pixels)
        statistics = found = _means(self._gathered(picture, sample, count))
        for number in range(0 if suffices else MOST_PASSES):
            told = functools.partial(_in_passes, report, number)
            wanted = self._after_a_pass(picture, pixels, count, statistics, told)
            error = _error(statistics, wanted)
            lacking = [w - f for w, f in zip(wanted, found, strict=True)]
            found = _means(self._gathered(picture, sample, count, corrections=lacking))
            statistics = [f + more for f, more in zip(found, lacking, strict=True)]
            if error < (TOLERANCE if pixels < MANY_PIXELS else TOLERANCE_OF_MANY):
                break
        return statistics

    def _sample(self, shape: tuple[int, ...], pixels: int) -> tuple[list[Part], bool]:
        """Parts that can be taken at once, and whether they need no correction."""
        everything = self._parts(shape, min(WHOLE_SIDE, math.isqrt(pixels)))
        chosen = _spread(everything, pixels)
        if len(chosen) == sum(map(len, everything)):
            return chosen, True
        if self._sampled and pixels >= SAMPLE_PIXELS:
            return self._passed(shape, pixels), True
        return _spread(self._parts(shape, min(SAMPLE_SIDE, math.isqrt(pixels))), pixels), False

    def _after_a_pass(
        self, picture, pixels: int, count, statistics, report: Progress
    ) -> list[np.ndarray]:
        """What the parts of a pass say where layers are given these statistics."""
        total: list[tuple] = []
        parts = self._passed(picture.shape, pixels)
        for done, part in enumerate(parts, 1):
            found = self._gathered(picture, [part], count, statistics)
            total = _together(total, found) if total else found
            report(done / len(parts))
        return _means(total)

    def _passed(self, shape: tuple[int, ...], pixels: int) -> list[Part]:
        """The parts that the statistics shall be of: all, or a sample that suffices."""
        if self._sampled:
            side = min(SAMPLE_SIDE, math.isqrt(pixels))
            return _spread(self._parts(shape, side), SAMPLE_PIXELS)
        side = min(self._largest_side, math.isqrt(pixels))
        return list(itertools.chain(*self._parts(shape, side)))

    def _gathered(self, picture, parts: list[Part], count, given=(), corrections=()) -> list[tuple]:
        """What parts of a picture say of it: means, each with the logarithm of its weight."""
        tiles = to_float(np.stack([picture[part.tile] for part in parts]))
        regions = np.array([part.fractions for part in parts], np.float32)
        return self._gathering.predict_on_batch(
            [tiles, regions, count, list(given), list(corrections)]
        )

    def _parts(self, shape: tuple[int, ...], side: int) -> list[list[Part]]:
        """Rows of tiles, of which what counts makes up all of the picture that counts."""
        size = self._network.arguments.get("statistics_size")
        vertical, horizontal = (
            _sides(length, side, size or length, self._network.multiple, self._overlap)
            for length in shape[:2]
        )
        return [[Part((y, x), (b, d)) for x, d in horizontal] for y, b in vertical]


class _Gathering(keras.Model):
    def __init__(self, network):
        super().__init__(name="gathered_statistics")
        self.network = network

    def call(self, inputs):
        images, regions, pixels, given, corrections = inputs
        with gathered_statistics(regions, pixels, given or None, corrections or None) as found:
            self.network(images)
        return list(found)


class _Given(keras.Model):
    def __init__(self, network):
        super().__init__(name="given_statistics")
        self.network = network

    def call(self, inputs):
        images, pixels, statistics = inputs
        with given_statistics(statistics, pixels):
            return self.network(images)


def _sides(length: int, side: int, middle: int, multiple: int, overlap: int):
    """Along one axis the tiles, and of each what counts; together the `middle` pixels, at most.

    Only that much of the axis is covered with tiles as its middle needs.
    """
    side = max(side - side % multiple, multiple)
    overlap = min(overlap, side // 4)
    first = max(length - middle, 0) // 2
    last = min(first + middle, length)
    begin, end = max(first - overlap, 0), min(last + overlap, length)
    begin -= begin % multiple
    end = min(-(-end // multiple) * multiple, length)
    side = min(side, end - begin)
    starts = [begin + start for start in tile_starts(end - begin, side, overlap, multiple)]
    meetings = [(before + side + after) // 2 for before, after in itertools.pairwise(starts)]
    inner = (min(max(meeting - meeting % multiple, first), last) for meeting in meetings)
    regions = itertools.pairwise([first, *inner, last])
    tiles = [slice(start, start + side) for start in starts]
    return [(t, (a, b)) for t, (a, b) in zip(tiles, regions, strict=True) if a < b]


def _spread(parts: list[list[Part]], pixels: int) -> list[Part]:
    """Rows and columns of parts, spread evenly: as many as can be taken at once, at least one."""
    height, width = (side.stop - side.start for side in parts[0][0].tile)
    most = max(1, pixels // (height * width))
    rows, columns = len(parts), len(parts[0])
    while rows * columns > most:
        if columns == 1 or (rows > 1 and rows * len(parts[0]) > columns * len(parts)):
            rows -= 1
        else:
            columns -= 1
    chosen = _evenly(parts, rows)
    return [part for row in chosen for part in _evenly(row, columns)]


def _evenly(items: list, count: int) -> list:
    """So many of the items, from the middles of as many equal stretches."""
    return [items[(2 * i + 1) * len(items) // (2 * count)] for i in range(count)]


def _in_passes(report: Progress, number: int, share: float) -> None:
    """Reports the share of one pass as that of all."""
    report((number + share) / MOST_PASSES)


def _means(found: list[tuple]) -> list[np.ndarray]:
    return [np.asarray(mean, np.float32) for mean, _ in found]


def _together(total: list[tuple], more: list[tuple]) -> list[tuple]:
    """Weighted means, and the logarithms of their weights, as one each; in float64."""
    joined = []
    for (mean, weight), (other, its_weight) in zip(total, more, strict=True):
        weights = np.logaddexp(np.float64(weight), its_weight)
        share = np.exp(its_weight - weights)
        joined.append((mean + (np.float64(other) - mean) * share, weights))
    return joined


def _error(statistics: list[np.ndarray], wanted: list[np.ndarray]) -> float:
    """How far statistics are from those wanted, relative to them; of the worst."""
    return max(
        float(np.linalg.norm(s - w)) / max(float(np.linalg.norm(w)), 1e-12)
        for s, w in zip(statistics, wanted, strict=True)
    )
