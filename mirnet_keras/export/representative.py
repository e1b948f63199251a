"""Pictures such as a network will get, from which int8 learns the ranges of its values."""

import os

import numpy as np

from mirnet_keras.images import list_images, read_image, to_float

CROPS = 32
SIDE = 128  # height and width of the crops for a file of any size
# Mean squared difference of neighbours over twice the variance. White noise has 0.98 to 1; 95 of
# 100 photographs less than 0.33, the darkest one of 448 measured 0.8.
MOST_NOISE = 0.9
FLAT = 1 / 255  # standard deviation below which a picture shows nothing


class RepresentativeError(ValueError):
    """The pictures cannot tell the ranges of a network's values; the message says why."""


def representative_crops(source, size: tuple[int, int] | None, channels: int = 3) -> np.ndarray:
    """Cuts 32 crops out of pictures, the same ones in every run.

    Args:
        source: a folder, or an iterable of pictures (height, width, channels), uint8, uint16 or
            float in 0..1; a `tf.data` data set may also give batches of them. They are what the
            network gets: dark or small ones, not the ground truth.
        size: (height, width) of the crops; None: 128 x 128. Pictures that are smaller are mirrored.
        channels: of the network's input.

    Returns:
        (32, height, width, channels), float32 in 0..1.

    Raises:
        RepresentativeError: without pictures, and for noise or empty pictures.
        ImageError: for a folder without pictures, or with a broken one.
    """
    pictures = list(_pictures(source))
    if not pictures:
        raise RepresentativeError(
            "`representative` holds no picture. Give a folder with some that the network will get."
        )
    for number, picture in enumerate(pictures):
        if picture.ndim != 3 or picture.shape[-1] != channels:
            raise RepresentativeError(
                f"A representative picture is (height, width, {channels}). Received "
                f"{picture.shape} as picture {number}."
            )
    _refuse_noise(pictures)
    random = np.random.default_rng(0)
    chosen = np.linspace(0, len(pictures), CROPS, endpoint=False).astype(int)
    return np.stack([_crop(pictures[index], size or (SIDE, SIDE), random) for index in chosen])


def fit(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Mirrors a picture until it has at least this height and width."""
    grown = [(0, max(0, side - have)) for side, have in zip(size, picture.shape, strict=False)]
    return np.pad(picture, [*grown, (0, 0)], mode="symmetric")


def _pictures(source):
    if isinstance(source, (str, os.PathLike)):
        for path in list_images(source):
            yield to_float(read_image(path))
        return
    for item in source:
        values = to_float(np.asarray(item))
        yield from values if values.ndim == 4 else [values]


def _crop(picture: np.ndarray, size: tuple[int, int], random) -> np.ndarray:
    picture = fit(picture, size)
    top, left = (
        random.integers(have - side + 1) for have, side in zip(picture.shape, size, strict=False)
    )
    return picture[top : top + size[0], left : left + size[1]].astype(np.float32)


def _refuse_noise(pictures: list[np.ndarray]) -> None:
    """Noise is known by its neighbours, which have nothing to do with each other."""
    telling = [picture for picture in pictures if picture.std() > FLAT]
    if not telling:
        raise RepresentativeError(
            "All representative pictures are of one colour, which tells nothing of the ranges. "
            "Give photographs that the network will get."
        )
    noise = [number for number, picture in enumerate(telling) if _noisiness(picture) > MOST_NOISE]
    if noise:
        raise RepresentativeError(
            f"{len(noise)} of {len(telling)} representative pictures are noise: neighbouring "
            "pixels are not alike. Give photographs that the network will get."
        )


def _noisiness(picture: np.ndarray) -> float:
    differences = [np.mean(np.diff(picture, axis=axis) ** 2) for axis in (0, 1)]
    return float(np.mean(differences) / (2 * picture.var(axis=(0, 1)).mean()))
