"""What blocks of photographs have in common and restored ones lack: the 36 features of NIQE.

Mittal, Soundararajan and Bovik, "Making a 'Completely Blind' Image Quality Analyzer" (IEEE Signal
Processing Letters 2013), sections II-A to II-C; numbers and details of the authors' MATLAB code.
"""

import math

import cv2
import numpy as np

from mirnet_keras.imresize import imresize

BLOCK = 96  # pixels a side
WINDOW_SIZE, WINDOW_SIGMA = 7, 7 / 6
FLAT = 1e-9  # differences below it are rounding noise, whose signs would be counted
NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))  # rows and columns by which a block is rolled

# Shapes of the generalised Gaussian that are tried, and what tells them apart.
SHAPES = np.arange(200, 10_001) / 1000
RATIOS = np.array(
    [math.gamma(2 / a) ** 2 / (math.gamma(1 / a) * math.gamma(3 / a)) for a in SHAPES]
)
SPREADS = np.array([math.sqrt(math.gamma(1 / a) / math.gamma(3 / a)) for a in SHAPES])
MEANS = np.array([math.gamma(2 / a) / math.gamma(1 / a) for a in SHAPES])


def block_features(plane: np.ndarray) -> np.ndarray:
    """Measures the blocks of 96 x 96 pixels of a luma plane, at full and at half size.

    Rows and columns that fill no block are left out at the bottom and on the right.

    Args:
        plane: float64 (height, width), luma on the scale of 0..255, at least one block large.

    Returns:
        (blocks, 36), column after column of blocks; NaN where a block is too flat.
    """
    height, width = (size - size % BLOCK for size in plane.shape)
    plane = plane[:height, :width]
    half = imresize(plane[..., None] / 255, 1 / 2)[..., 0] * 255
    scales = [
        _features(blocks(normalised(scale)[0], size))
        for scale, size in ((plane, BLOCK), (half, BLOCK // 2))
    ]
    return np.concatenate(scales, axis=1)


def normalised(plane: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Takes the local mean off a plane and divides it by its local deviation plus 1.

    Args:
        plane: float64 (height, width), on the scale of 0..255.

    Returns:
        The normalised plane, and the local standard deviation.
    """
    mean = _window_mean(plane)
    deviation = np.sqrt(np.abs(_window_mean(plane * plane) - mean * mean))
    difference = plane - mean
    difference[np.abs(difference) < FLAT] = 0
    return difference / (deviation + 1), deviation


def blocks(plane: np.ndarray, size: int) -> np.ndarray:
    """Cuts a plane into (blocks, size, size), column after column."""
    rows, columns = (side // size for side in plane.shape)
    cut = plane[: rows * size, : columns * size].reshape(rows, size, columns, size)
    return cut.transpose(2, 0, 1, 3).reshape(-1, size, size)


def _window_mean(plane: np.ndarray) -> np.ndarray:
    """The Gaussian mean around each pixel; edge pixels are repeated."""
    offset = np.arange(WINDOW_SIZE) - WINDOW_SIZE // 2
    kernel = np.exp(-(offset**2) / (2 * WINDOW_SIGMA**2))
    kernel /= kernel.sum()
    return cv2.sepFilter2D(plane, -1, kernel, kernel, borderType=cv2.BORDER_REPLICATE)


def _features(block: np.ndarray) -> np.ndarray:
    """The 18 features of (blocks, size, size) normalised pixels."""
    shape, left, right, _ = _asymmetric_gaussian(block)
    found = [shape, (left + right) / 2]
    for shift in NEIGHBOURS:
        shape, left, right, mean = _asymmetric_gaussian(block * np.roll(block, shift, axis=(1, 2)))
        found += [shape, mean, left, right]
    return np.stack(found, axis=1)


def _asymmetric_gaussian(values: np.ndarray) -> tuple[np.ndarray, ...]:
    """Fits an asymmetric generalised Gaussian to each of (blocks, size, size) by its moments.

    Returns:
        Shape, left and right spread, and mean, each (blocks,).
    """
    square = values * values
    with np.errstate(invalid="ignore", divide="ignore"):  # flat blocks give NaN, as in the original
        left, right = (
            np.sqrt((square * side).sum(axis=(1, 2)) / side.sum(axis=(1, 2)))
            for side in (values < 0, values > 0)
        )
        ratio = np.abs(values).mean(axis=(1, 2)) ** 2 / square.mean(axis=(1, 2))
        skew = left / right
        ratio *= (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2
    nearest = _nearest_shape(ratio)
    left, right = left * SPREADS[nearest], right * SPREADS[nearest]
    return SHAPES[nearest], left, right, (right - left) * MEANS[nearest]


def _nearest_shape(ratio: np.ndarray) -> np.ndarray:
    """Index of the shape whose ratio (they rise) is nearest; the first shape for NaN."""
    ratio = np.nan_to_num(ratio, nan=0.0)
    above = np.searchsorted(RATIOS, ratio).clip(1, len(RATIOS) - 1)
    return np.where(ratio - RATIOS[above - 1] <= RATIOS[above] - ratio, above - 1, above)
