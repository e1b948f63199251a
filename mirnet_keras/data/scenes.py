"""Synthetic outdoor scenes: textures whose classes are known at every pixel."""

import numpy as np

from mirnet_keras.images import to_uint8

# Mean colour, contrast, period in pixels and direction in degrees of each class's texture.
TEXTURES = (
    ((0.60, 0.60, 0.60), 0.05, 0.0, 0),  # background: plain
    ((0.45, 0.70, 0.95), 0.03, 60.0, 80),  # sky: wide waves
    ((0.30, 0.50, 0.80), 0.20, 9.0, 90),  # water: flat ripples
    ((0.50, 0.75, 0.35), 0.30, 3.0, 5),  # grass: upright blades
    ((0.55, 0.45, 0.60), 0.25, 23.0, 45),  # mountain: slopes
    ((0.70, 0.45, 0.35), 0.35, 8.0, 0),  # building: walls with columns
    ((0.25, 0.50, 0.20), 0.30, 5.0, 30),  # plant: leaves
    ((0.75, 0.60, 0.45), 0.25, 4.0, 60),  # animal: fur
)


def synthetic_scene(
    height: int, width: int, random: np.random.Generator, regions: int = 5
) -> tuple[np.ndarray, np.ndarray]:
    """A picture of patches of texture, and the class of each pixel.

    Each patch is the neighbourhood of a random point; each of the eight outdoor classes has a
    texture of its own. For tests and tutorials, where a segmentation must be exactly right.

    Args:
        height, width: of the picture.
        random: generator.
        regions: patches.

    Returns:
        (height, width, 3) uint8 and (height, width) uint8 labels, 0 to 7.
    """
    rows, columns = np.mgrid[:height, :width]
    centres = random.random((regions, 2)) * (height, width)
    distances = [(rows - y) ** 2 + (columns - x) ** 2 for y, x in centres]
    classes = random.permutation(max(regions, len(TEXTURES)))[:regions] % len(TEXTURES)
    labels = classes.astype(np.uint8)[np.argmin(distances, axis=0)]
    noise = random.standard_normal((height, width))
    phase = random.random() * 2 * np.pi
    image = np.zeros((height, width, 3))
    for label, (colour, contrast, period, degrees) in enumerate(TEXTURES):
        wave = np.zeros((height, width))
        if period:
            angle = np.deg2rad(degrees)
            along = np.cos(angle) * columns + np.sin(angle) * rows
            wave = np.sin(2 * np.pi * along / period + phase)
        texture = np.asarray(colour) + contrast * (0.5 * wave + 0.15 * noise)[..., None]
        image[labels == label] = texture[labels == label]
    return to_uint8(image), labels
