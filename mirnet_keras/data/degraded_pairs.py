"""Write pairs of degraded and sharp images from a folder of sharp ones."""

import os
import pathlib
from collections.abc import Callable

import numpy as np

from mirnet_keras.images import (
    crop_to_multiple,
    list_images,
    read_image,
    to_float,
    to_uint8,
    write_image,
)


def write_degraded_pairs(
    folder: str | os.PathLike, out: str | os.PathLike, degradation: Callable, seed: int = 0
) -> list[pathlib.Path]:
    """Degrade each image of a folder and write it beside its target, both as PNG.

    Args:
        folder: Folder of sharp images.
        out: Folder to write `inputs/NAME.png` and `targets/NAME.png` to.
        degradation: Function of an image and a random generator, such as
            `PhotoDegradation(scale=2)`. Its attribute `scale`, if any, says how many times smaller
            the inputs become; targets are cut to a multiple of it.
        seed: Seed of the degradation; image number `i` always gets the draw `(seed, i)`.

    Returns:
        The paths of the inputs.

    Raises:
        ImageError: for an image that cannot be read, and a folder without images.
        FileExistsError: when `out` already holds one of the files.
    """
    inputs, targets = (pathlib.Path(out) / kind for kind in ("inputs", "targets"))
    images = list_images(folder)
    for image in images:
        for path in (inputs / f"{image.stem}.png", targets / f"{image.stem}.png"):
            if path.exists():
                raise FileExistsError(
                    f"{path} exists already. Choose another folder for the pairs."
                )
    inputs.mkdir(parents=True, exist_ok=True)
    targets.mkdir(parents=True, exist_ok=True)
    for number, image in enumerate(images):
        sharp = crop_to_multiple(read_image(image), getattr(degradation, "scale", 1))
        low = degradation(to_float(sharp), np.random.default_rng([seed, number]))
        write_image(targets / f"{image.stem}.png", sharp)
        write_image(inputs / f"{image.stem}.png", to_uint8(low))
    return [inputs / f"{image.stem}.png" for image in images]
