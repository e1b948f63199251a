"""Self-ensemble: the mean of the results of the eight flips and rotations."""

from collections.abc import Callable

import numpy as np

from mirnet_keras.symmetry import SYMMETRIES, symmetry, undo_symmetry


def self_ensemble(restore: Callable[[np.ndarray], np.ndarray], image: np.ndarray) -> np.ndarray:
    """Restores the eight symmetric forms of an image and returns their mean, turned back.

    The "+" of RCAN+ and others (Lim et al., "Enhanced deep residual networks for single image
    super-resolution", CVPRW 2017, section 3.4). It takes eight times as long.

    Args:
        restore: from (height, width, channels) to float (scale * height, scale * width, channels).
        image: (height, width, channels).

    Returns:
        float32, neither rounded nor clipped where `restore` does not.
    """
    total = undo_symmetry(restore(symmetry(image, 0)), 0).astype(np.float32)
    for number in range(1, SYMMETRIES):
        total += undo_symmetry(restore(symmetry(image, number)), number)
    return total / np.float32(SYMMETRIES)
