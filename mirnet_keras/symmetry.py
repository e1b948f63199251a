"""The eight flips and rotations of a square."""

import numpy as np

SYMMETRIES = 8


def symmetry(image: np.ndarray, number: int) -> np.ndarray:
    """One of the eight flips and rotations of a square; 0 leaves the image as it is."""
    turned = np.rot90(image, number % 4, axes=(0, 1))
    return turned[:, ::-1] if number >= 4 else turned


def undo_symmetry(image: np.ndarray, number: int) -> np.ndarray:
    """The inverse of `symmetry`."""
    image = image[:, ::-1] if number >= 4 else image
    return np.rot90(image, -(number % 4), axes=(0, 1))
