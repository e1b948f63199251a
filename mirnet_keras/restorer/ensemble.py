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


def in_eight(progress: Callable[[float], None]) -> Callable[[float], None]:
    """Takes the progress of the eight forms, one after the other, for that of all.

    Args:
        progress: is called with the share of all that is done, in 0..1.

    Returns:
        What is called with the share of one form that is done, eight times up to 1.
    """
    done = 0

    def one(share: float) -> None:
        nonlocal done
        progress((done + share) / SYMMETRIES)
        done += share == 1

    return one
