"""What sets a picture apart from clean bicubic ones, on which enlarging networks learn."""

import cv2
import numpy as np

from mirnet_keras.images import to_float

LOOKED_AT = 512  # pixels from the middle, each way: blocks and noise are everywhere
LEAST_SIDE = 64  # of a picture that is looked at: 8 blocks of JPEG
BLOCK = 8  # of JPEG
NOISE_BLOCK = 16
# Of 263 bicubic reductions of Set5, Set14, BSD100 and 8 of Urban100 none goes beyond either limit
# (the most: 0.102 and 6.9). Of their copies as JPEG of quality 30, 40, 50, 60, 75, 90 there do
# 99, 98, 97, 92, 71, 21 %; of those with noise of sigma 10, 15, 25, 50 92, 100, 100, 100 %.
BLOCKING_LIMIT = 0.11
NOISE_LIMIT = 8.5  # of 255
# 2040 is the longest side of DIV2K's sharp pictures: nothing that is this large has been enlarged
# in training or in a benchmark.
PIXELS_LIMIT = 2040 * 2040


def unlike_clean_bicubic(image: np.ndarray) -> tuple[str, ...]:
    """Names what a network that learned on clean bicubic reductions has not seen.

    Args:
        image: (height, width, 3) RGB or (height, width) grey; uint8, uint16 or float in 0..1.

    Returns:
        Of "JPEG blocks", "noise" and its megapixels, what a sentence can say that it has; nothing
        of the first two where a side is below 64 pixels, too few to tell.
    """
    height, width = image.shape[:2]
    found = []
    if min(height, width) >= LEAST_SIDE:
        top, left = (max(0, (side - LOOKED_AT) // 2) for side in (height, width))
        middle = image[top : top + LOOKED_AT, left : left + LOOKED_AT]
        levels = 255 * to_float(middle if middle.ndim == 2 else middle[..., 1])  # green
        if blocking(levels) > BLOCKING_LIMIT:
            found.append("JPEG blocks")
        if noise_level(levels) > NOISE_LIMIT:
            found.append("noise")
    if height * width > PIXELS_LIMIT:
        found.append(f"{height * width / 1e6:.0f} megapixels, more than any of them")
    return tuple(found)


def blocking(levels: np.ndarray) -> float:
    """How much steeper the steps at every eighth pixel are than those between.

    The differences across and within blocks are those of Fan and de Queiroz ("Identification of
    bitmap compression history", IEEE Transactions on Image Processing 12(2), 2003): the step
    between two pixels less what their neighbours let expect. Edges count with 10 grey levels at
    most. The grid may begin anywhere, as in cut pictures.

    Args:
        levels: (height, width) float32 in 0..255, at least 64 on each side.

    Returns:
        The lesser of the two directions', so that stripes are no blocks; about 0 without blocks.
    """
    return min(_steepest(levels), _steepest(cv2.transpose(levels)))


def noise_level(levels: np.ndarray) -> float:
    """The standard deviation of the noise, in the calmest tenth of the picture.

    Immerkaer's mask ("Fast noise variance estimation", Computer Vision and Image Understanding
    64(2), 1996), which no plane reaches, averaged in blocks of 16; the tenth part of the blocks
    with the least shows noise without texture, as in Olsen ("Estimation of noise in images",
    CVGIP 55(4), 1993). Blocks that are half black or white are left out: noise is cut off there.

    Args:
        levels: (height, width) float32 in 0..255, at least 64 on each side.

    Returns:
        Grey levels; a tenth less than the noise of an even picture, because it is the least.
    """
    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32) / 6  # of unit variance
    response = np.abs(cv2.filter2D(levels, -1, mask)) * np.float32(np.sqrt(np.pi / 2))
    cut_off = ((levels <= 2) | (levels >= 253)).astype(np.float32)
    deviations, shares = _block_means(response), _block_means(cut_off)
    open_ones = deviations[shares < 0.5]
    return float(np.percentile(open_ones if open_ones.size else deviations, 10))


def _steepest(levels: np.ndarray) -> float:
    """The steps at the columns of the block grid against those at the others, less 1."""
    weights = np.array([[1, -3, 3, -1]], np.float32) / 2
    steps = np.abs(cv2.filter2D(levels, -1, weights)[:, 2:-2])
    columns = np.minimum(steps, 10).mean(axis=0)
    means = np.array([columns[first::BLOCK].mean() for first in range(BLOCK)])
    others = np.delete(means, means.argmax()).mean()
    return float(means.max() / (others + 0.1) - 1)  # 0.1: nothing can be told of even pictures


def _block_means(values: np.ndarray) -> np.ndarray:
    """Means of blocks of 16; what is left over at the end is not taken."""
    rows, columns = (side // NOISE_BLOCK for side in values.shape)
    whole = values[: rows * NOISE_BLOCK, : columns * NOISE_BLOCK]
    return cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA)
