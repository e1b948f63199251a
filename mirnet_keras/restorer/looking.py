"""A look at a small sample of an image: its light, noise, JPEG blocks, halos, and what it is of."""

import dataclasses

import numpy as np

from mirnet_keras.images import luma, to_uint8
from mirnet_keras.pictures import Picture

SPREAD = 256  # rows and columns, evenly spread, that light, colours and edges are taken from
MIDDLE = 512  # pixels from the middle, each way: blocks, noise and halos are everywhere
LEAST_SIDE = 64  # of an image whose middle is looked at: 8 blocks of JPEG
BLOCK = 8  # of JPEG
NOISE_BLOCK = 16
NOISE_PER_DETAIL = 1.2  # less high-frequency deviation than this, per coarse one, is texture
PROFILE, PLATEAU = 16, 4  # pixels across an edge, and at each end of them
LEAST_EDGES = 20
DARK_LUMA = 60  # LOL's dark images lie at 28 and below, daylight above 76
DARK_HIGHLIGHTS = 136  # LOL's dark images reach 102
# Of 230 icons, charts and screenshots 209 exceed both; of 1,587 photographs 14 do.
DRAWN_COLOURS, DRAWN_EDGES = 0.5, 0.25
# Of BSD100, 3 of 100 images exceed the limit of noise; with noise of sigma 10, 15 and 25 all do.
NOISE_LIMIT = 4.0
# Of 263 bicubic reductions of Set5, Set14, BSD100 and 8 of Urban100 none exceeds it (the most:
# 0.102); of their copies as JPEG of quality 30, 40, 50, 60, 75, 90 there do 99, 98, 97, 92, 71,
# 21 %.
BLOCKING_LIMIT = 0.11
# Of BSD100 8 of 100 images exceed it; sharpened by 1.5 with a radius of one pixel 27 of 34 do.
HALO_LIMIT = 0.09


@dataclasses.dataclass(frozen=True)
class Look:
    """What a sample of an image shows.

    Attributes:
        pixels: number of pixels of the whole image.
        brightness: mean luma (`images.luma`, BT.601 studio swing: black is 16) in 0..255.
        highlights: luma that 2 % of the pixels exceed.
        common_colours: share of the pixels that have one of the 16 most frequent colours, in 32
            levels a channel.
        hard_edges: share of steps over 64 levels among the steps of more than 8 levels from one
            pixel to the next.
        blocking: see `blocking`; 0 where a side is below 64 pixels, too few to tell.
        noise: see `noise_level`; 0 where a side is below 64 pixels.
        halos: see `halos`; 0 where a side is below 64 pixels.
    """

    pixels: int
    brightness: float
    highlights: float
    common_colours: float
    hard_edges: float
    blocking: float = 0.0
    noise: float = 0.0
    halos: float = 0.0

    @property
    def is_drawn(self) -> bool:
        """Return True for drawings, screenshots, icons and scans of text."""
        return self.common_colours > DRAWN_COLOURS and self.hard_edges > DRAWN_EDGES

    @property
    def is_dark(self) -> bool:
        """Return True where all is dark; lights at night and lit faces in the dark are meant so."""
        return self.brightness < DARK_LUMA and self.highlights < DARK_HIGHLIGHTS

    @property
    def is_noisy(self) -> bool:
        """Return True where noise is visible."""
        return self.noise > NOISE_LIMIT

    @property
    def is_blocky(self) -> bool:
        """Return True where JPEG blocks are visible."""
        return self.blocking > BLOCKING_LIMIT

    @property
    def is_sharpened(self) -> bool:
        """Return True where edges have halos."""
        return self.halos > HALO_LIMIT


def look(image: np.ndarray, alpha: np.ndarray | None = None) -> Look:
    """Look at a sample of an image, without a copy of its full size.

    Args:
        image: (height, width, 3) RGB or (height, width) grey; uint8, uint16 or float in 0..1.
        alpha: opacity, (height, width) of the same dtype; what shines through counts as white.
            None for an opaque image.

    Raises:
        ImageError: for another dtype, and NaN in the sample.
    """

    def sample(place) -> np.ndarray:
        part = Picture(image[place], None if alpha is None else alpha[place])
        return to_uint8(part.on_white().rgb)

    height, width = image.shape[:2]
    rows, columns = (np.arange(0, side, -(-side // SPREAD)) for side in (height, width))
    here = sample(np.ix_(rows, columns))
    right = sample(np.ix_(rows, np.minimum(columns + 1, width - 1)))
    below = sample(np.ix_(np.minimum(rows + 1, height - 1), columns))
    light = luma(here)
    seen = Look(
        pixels=height * width,
        brightness=float(light.mean()),
        highlights=float(np.percentile(light, 98)),
        common_colours=_common_colours(here),
        hard_edges=_hard_edges(here, right, below),
    )
    if min(height, width) < LEAST_SIDE:
        return seen
    top, left = (max(0, (side - MIDDLE) // 2) for side in (height, width))
    middle = sample((slice(top, top + MIDDLE), slice(left, left + MIDDLE)))
    levels = middle[..., 1].astype(np.float32)  # green
    return dataclasses.replace(
        seen, blocking=blocking(levels), noise=noise_level(levels), halos=halos(levels)
    )


def _common_colours(colours: np.ndarray) -> float:
    """Return the share of the 16 most frequent colours among (..., 3) uint8."""
    red, green, blue = np.moveaxis(colours.astype(np.uint16) >> 3, -1, 0)
    counts = np.bincount((red << 10 | green << 5 | blue).ravel())
    return float(np.sort(counts)[-16:].sum() / counts.sum())


def _hard_edges(here: np.ndarray, right: np.ndarray, below: np.ndarray) -> float:
    """Return the share of hard steps among those from pixels to their neighbours, all uint8."""
    import cv2

    steps = np.maximum(cv2.absdiff(here, right), cv2.absdiff(here, below)).max(axis=-1)
    edges = np.count_nonzero(steps > 8)
    return int(np.count_nonzero(steps > 64)) / int(edges) if edges else 0.0


def blocking(levels: np.ndarray) -> float:
    """Return how much steeper the steps at every eighth pixel are than those between.

    The differences across and within blocks are those of Fan and de Queiroz ("Identification of
    bitmap compression history", IEEE Transactions on Image Processing 12(2), 2003): the step
    between two pixels less what their neighbours let expect. Edges count with 10 grey levels at
    most. The grid may begin anywhere, as in cut images.

    Args:
        levels: (height, width) float32 in 0..255, at least 64 on each side.

    Returns:
        The lesser of the two directions', so that stripes are no blocks; about 0 without blocks.
    """
    return min(_steepest(levels), _steepest(levels.T))


def noise_level(levels: np.ndarray) -> float:
    """Return the standard deviation of the noise, measured where there is least detail.

    Immerkaer's mask ("Fast noise variance estimation", Computer Vision and Image Understanding
    64(2), 1996), which no plane reaches, averaged in blocks of 16; the tenth part of the blocks
    whose means of 4 x 4 pixels differ least shows noise without texture, similar to Olsen
    ("Estimation of noise in images", CVGIP 55(4), 1993). Where those means differ nearly as much
    as single pixels do, it is texture. Blocks that are half black or white are left out: noise is
    cut off there.

    Args:
        levels: (height, width) float32 in 0..255, at least 64 on each side.

    Returns:
        Grey levels; 0 where texture hides it.
    """
    import cv2

    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32) / 6  # of unit variance
    response = np.abs(cv2.filter2D(levels, -1, mask)) * np.float32(np.sqrt(np.pi / 2))
    cut_off = ((levels <= 2) | (levels >= 253)).astype(np.float32)
    fine, cut_off = _block_means(response), _block_means(cut_off)
    coarse = _block_deviations(levels)
    if (cut_off < 0.5).any():
        fine, coarse = fine[cut_off < 0.5], coarse[cut_off < 0.5]
    calmest = np.argsort(coarse, axis=None)[: -(-coarse.size // 10)]
    noise, detail = (float(np.median(values.ravel()[calmest])) for values in (fine, coarse))
    return noise if noise > NOISE_PER_DETAIL * detail else 0.0


def halos(levels: np.ndarray) -> float:
    """Return how far sharpened edges overshoot, relative to their height.

    Edges are those between two even stretches, most of whose height is climbed in three pixels.

    Args:
        levels: (height, width) float32 in 0..255, at least 64 on each side.

    Returns:
        The median over all edges of the overshoots on both sides; 0 where there are few edges.
    """
    overshoots = np.concatenate([_overshoots(levels), _overshoots(levels.T)])
    return float(np.median(overshoots)) if len(overshoots) >= LEAST_EDGES else 0.0


def _steepest(levels: np.ndarray) -> float:
    """Return the steps at the columns of the block grid against those at the others, less 1."""
    import cv2

    weights = np.array([[1, -3, 3, -1]], np.float32) / 2
    steps = np.abs(cv2.filter2D(np.ascontiguousarray(levels), -1, weights)[:, 2:-2])
    columns = np.minimum(steps, 10).mean(axis=0)
    means = np.array([columns[first::BLOCK].mean() for first in range(BLOCK)])
    others = np.delete(means, means.argmax()).mean()
    return float(means.max() / (others + 0.1) - 1)  # 0.1: nothing can be told of even images


def _block_means(values: np.ndarray, side: int = NOISE_BLOCK) -> np.ndarray:
    """Return the means of square blocks; what is left over at the end is not taken."""
    import cv2

    rows, columns = (length // side for length in values.shape)
    whole = values[: rows * side, : columns * side]
    return cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA)


def _block_deviations(levels: np.ndarray) -> np.ndarray:
    """Return the standard deviation of the means of 4 x 4 pixels within each block of 16."""
    means = _block_means(levels, 4)
    spread = _block_means(means**2, NOISE_BLOCK // 4) - _block_means(means, NOISE_BLOCK // 4) ** 2
    return np.sqrt(np.maximum(spread, 0))


def _overshoots(levels: np.ndarray) -> np.ndarray:
    """Return the overshoots beside edges along the rows, (edges,), relative to their height."""
    profiles = np.lib.stride_tricks.sliding_window_view(levels, PROFILE, axis=1)
    middle = PROFILE // 2
    before, climb, after = (
        np.abs(profiles[..., i] - profiles[..., i - 1]) for i in (middle - 1, middle, middle + 1)
    )
    profiles = profiles[(climb > 8) & (climb >= before) & (climb > after)]
    start, end = profiles[:, :PLATEAU], profiles[:, -PLATEAU:]
    height = end.mean(axis=1) - start.mean(axis=1)
    unevenness = np.maximum(np.ptp(start, axis=1), np.ptp(end, axis=1))
    climbed = profiles[:, middle + 1] - profiles[:, middle - 2]
    is_edge = (
        (np.abs(height) > 24)
        & (unevenness < 0.25 * np.abs(height))
        & (climbed * np.sign(height) > 0.6 * np.abs(height))
    )
    sign, height = np.sign(height[is_edge])[:, None], np.abs(height[is_edge])
    rising = sign * profiles[is_edge]
    between = rising[:, PLATEAU:-PLATEAU]
    below = rising[:, :PLATEAU].mean(axis=1) - between.min(axis=1)
    above = between.max(axis=1) - rising[:, -PLATEAU:].mean(axis=1)
    return (below + above) / (2 * height)
