"""The overlapping quarters in which RCAN, SAN and HAN were run for their published scores."""

from collections.abc import Callable

import numpy as np

from mirnet_keras.restorer.errors import RestorerError

SHAVE, SMALLEST = 10, 160_000  # of the published commands


def restore_in_quarters(
    predict: Callable[[np.ndarray], np.ndarray],
    image: np.ndarray,
    *,
    scale: int,
    shave: int = SHAVE,
    smallest: int = SMALLEST,
) -> np.ndarray:
    """Restores a picture as the authors' `--chop` does, to the pixel.

    The picture is cut into four quarters that reach `shave` pixels beyond its middle; a quarter of
    `smallest` pixels or more is cut again. The results are put together at the middle, hard: where
    a network looks at the whole picture, seams may show. For pictures use `restore_in_tiles`; this
    is for published scores.

    RCAN (Zhang et al., ECCV 2018): authors' code (`chop_forward`).

    Args:
        predict: from (1, height, width, channels) to (1, scale * height, scale * width, channels).
        image: (height, width, channels), both sides at least `2 * shave - 1`.
        scale: linear enlargement.
        shave: how far a quarter reaches beyond the middle, in pixels of the image.
        smallest: quarters with fewer pixels are not cut again.

    Returns:
        (scale * height, scale * width, channels).

    Raises:
        RestorerError: for a smaller image.
    """
    height, width, _ = image.shape
    if min(height, width) < 2 * shave - 1:
        raise RestorerError(
            f"Quarters that overlap by {shave} pixels need sides of at least {2 * shave - 1}. "
            f"Received {height} x {width}: restore it whole, with tile=None."
        )
    rows, columns = height // 2 + shave, width // 2 + shave
    upper_left = image[:rows, :columns]
    upper_right = image[:rows, width - columns :]
    lower_left = image[height - rows :, :columns]
    lower_right = image[height - rows :, width - columns :]

    def restored(quarter):
        if rows * columns < smallest:
            return predict(quarter[None])[0]
        return restore_in_quarters(predict, quarter, scale=scale, shave=shave, smallest=smallest)

    top, left = scale * (height // 2), scale * (width // 2)
    below, right = scale * height - top, scale * width - left
    upper = [restored(upper_left)[:top, :left], restored(upper_right)[:top, -right:]]
    lower = [restored(lower_left)[-below:, :left], restored(lower_right)[-below:, -right:]]
    return np.concatenate([np.concatenate(upper, axis=1), np.concatenate(lower, axis=1)])
