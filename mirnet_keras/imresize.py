"""The bicubic resize of MATLAB, to the last bit: what super-resolution test sets were made with."""

import functools
import math

import numpy as np

KERNEL_RADIUS = 2  # of the cubic kernel, in pixels of the coarser grid
BLOCK = 16  # output rows computed by one small matrix product
BORDERS = ("symmetric", "replicate")


def imresize(
    image: np.ndarray,
    scale: float,
    *,
    border: str = "symmetric",
    rows: tuple[int, int] | None = None,
) -> np.ndarray:
    """Resizes as MATLAB's `imresize(image, scale, "bicubic")` does, with 0 differing samples.

    Cubic convolution with a = -0.5 (Keys, 1981), the kernel widened by `1 / scale` when
    shrinking (antialiasing), rows first, then columns. Integers are rounded half away from zero
    and clipped after each of the two passes.

    Args:
        image: (height, width, channels); uint8, uint16 or float. Floats are not clipped.
        scale: float above 0, such as 1/2, 1/3 or 4.
        border: what stands outside the image: "symmetric" mirrors it with its edge pixels
            repeated (MATLAB today), "replicate" repeats the edge pixels (older versions; the
            inputs published with RCAN).
        rows: first row of the result to compute and the row after the last, so that a large result
            can be made in parts; None computes all rows.

    Returns:
        (ceil(height * scale), ceil(width * scale), channels) of the image's dtype, or those rows of
        it.

    Raises:
        ValueError: for another number of axes, an empty image, or an unknown scale or border.
    """
    if image.ndim != 3 or image.size == 0:
        raise ValueError(
            f"An image is (height, width, channels), not empty. Received shape {image.shape}."
        )
    if not 0 < scale < math.inf:
        raise ValueError(f"`scale` must be a number above 0, such as 1/2. Received {scale}.")
    if border not in BORDERS:
        raise ValueError(f"`border` must be one of {BORDERS}. Received '{border}'.")
    first, stop = rows or (0, output_size(len(image), scale))
    rows_done = _resize_rows(image, scale, border, first, stop)
    width = output_size(image.shape[1], scale)
    columns_done = _resize_rows(rows_done.swapaxes(0, 1), scale, border, 0, width)
    return np.ascontiguousarray(columns_done.swapaxes(0, 1))


def output_size(size: int, scale: float) -> int:
    """Returns ceil(size * scale), in which 50 * 1.1 is 55 although floats say 55.00000000000001."""
    return math.ceil(round(size * scale, 9))


def _resize_rows(image: np.ndarray, scale: float, border: str, first: int, stop: int) -> np.ndarray:
    """Resizes along the first axis.

    Args:
        image: (rows, columns, channels).
        first, stop: the rows of the result to compute, of ceil(rows * scale).

    Returns:
        (stop - first, columns, channels).
    """
    rows, columns, channels = image.shape
    indices, weights = _blocks(rows, scale, border)
    blocks = slice(first // BLOCK, -(-stop // BLOCK))
    gathered = image[indices[blocks]].astype(np.float64)  # (blocks, inputs, columns, channels)
    gathered = gathered.reshape(*gathered.shape[:2], columns * channels)
    begin = BLOCK * blocks.start
    resized = (weights[blocks] @ gathered).reshape(-1, columns, channels)
    resized = resized[first - begin : stop - begin]
    if not np.issubdtype(image.dtype, np.integer):
        return resized.astype(image.dtype)
    np.floor(np.add(resized, 0.5, out=resized), out=resized)
    return np.clip(resized, 0, np.iinfo(image.dtype).max, out=resized).astype(image.dtype)


@functools.lru_cache(maxsize=256)
def _blocks(size: int, scale: float, border: str) -> tuple[np.ndarray, np.ndarray]:
    """Arranges the weights of one axis as small dense matrices.

    `BLOCK` neighbouring outputs see few inputs, so one product for each block does little in vain
    and still runs in BLAS.

    Returns:
        Indices (blocks, inputs) into the axis, and weights (blocks, BLOCK, inputs).
    """
    first, weights = _taps(output_size(size, scale), scale)
    count = -(-len(first) // BLOCK)
    starts = first[::BLOCK]
    ends = first[np.minimum(np.arange(1, count + 1) * BLOCK, len(first)) - 1] + weights.shape[1]
    inputs = np.arange((ends - starts).max())
    dense = np.zeros((count * BLOCK, len(inputs)))
    output = np.arange(len(first))
    column = (first - starts[output // BLOCK])[:, None] + np.arange(weights.shape[1])
    dense[output[:, None], column] = weights
    return _inside(starts[:, None] + inputs, size, border), dense.reshape(count, BLOCK, -1)


def _taps(size: int, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns which inputs make up each output of an axis, and with what weight.

    Args:
        size: number of outputs.

    Returns:
        The position (size,) of each output's first input, which may lie outside the axis, and the
        weights (size, taps) of the inputs from there on; they sum to 1.
    """
    shrink = min(scale, 1.0)
    radius = KERNEL_RADIUS / shrink
    centre = np.arange(1, size + 1) / scale + 0.5 * (1 - 1 / scale)  # counted from 1
    first = np.floor(centre - radius)
    position = first[:, None] + np.arange(math.ceil(2 * radius) + 2)
    weights = shrink * _cubic(shrink * (centre[:, None] - position))
    return first.astype(int) - 1, weights / weights.sum(axis=1, keepdims=True)


def _cubic(distance: np.ndarray) -> np.ndarray:
    """Keys' cubic convolution kernel with a = -0.5."""
    d = np.abs(distance)
    near = 1.5 * d**3 - 2.5 * d**2 + 1
    far = -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2
    return np.where(d <= 1, near, np.where(d <= 2, far, 0.0))


def _inside(position: np.ndarray, size: int, border: str) -> np.ndarray:
    """Maps positions outside 0..size - 1 to the pixels that stand for them."""
    if border == "replicate":
        return np.clip(position, 0, size - 1)
    position = position % (2 * size)
    return np.minimum(position, 2 * size - 1 - position)
