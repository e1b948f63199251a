"""One call from a folder to what `model.fit` takes."""

import os
from collections.abc import Callable, Sequence
from typing import Any

from mirnet_keras.data.batches import Batches
from mirnet_keras.data.folders import (
    DEFAULT_CACHE,
    CleanImages,
    PairedImages,
    SuperResolutionImages,
)
from mirnet_keras.data.plan import SamplingPlan, Stage


def paired_folder(
    inputs: str | os.PathLike,
    targets: str | os.PathLike,
    crop: int,
    batch: int,
    seed: int = 0,
    mixup: float = 0.0,
    augment: bool = True,
    cache_bytes: int = DEFAULT_CACHE,
    start: int = 0,
    scale: int = 1,
) -> Any:
    """Endless batches of aligned crops from two folders of equally named pictures.

    Args:
        inputs: Folder of the pictures to restore.
        targets: Folder of the ground truth.
        crop: Side of the square crops in pixels of the target, a multiple of `scale`.
        batch: Crops in a batch.
        seed: Of order, crops and augmentation.
        mixup: Fraction of batches that are blended with themselves in another order.
        augment: Whether to use the eight flips and rotations.
        cache_bytes: Budget for decoded pictures.
        start: The first step, counted from 0: the steps done so far, to go on where an earlier
            training ended.
        scale: How many times larger than its input each target is.

    Returns:
        A `tf.data.Dataset` on the TensorFlow backend, else a `keras.utils.PyDataset`, of inputs
        and targets `(batch, crop, crop, 3)` in 0..1, inputs `scale` times smaller. Give `fit` its
        `steps_per_epoch`.

    Raises:
        DataError: naming all files that do not fit, before anything starts; for a `start` that is
            no whole number from 0.
    """
    images = PairedImages(inputs, targets, crop, cache_bytes, scale)
    return _dataset(images, crop, batch, seed, augment, start, mixup=mixup)


def sr_folder(
    folders: str | os.PathLike | Sequence[str | os.PathLike],
    scale: int,
    crop: int,
    batch: int,
    seed: int = 0,
    augment: bool = True,
    cache_bytes: int = DEFAULT_CACHE,
    start: int = 0,
) -> Any:
    """Endless batches for super-resolution from folders of sharp pictures.

    The low-resolution inputs are the exact (MATLAB) bicubic reductions of the whole pictures.

    Args:
        folders: Folder or folders of high-resolution pictures.
        scale: Linear enlargement to learn.
        crop: Side of the square crops in high-resolution pixels, a multiple of `scale`.
        batch, seed, augment, cache_bytes, start: As in `paired_folder`.

    Returns:
        As `paired_folder`; inputs are `(batch, crop / scale, crop / scale, 3)`.

    Raises:
        DataError: naming all files that do not fit, before anything starts; for a `start` that is
            no whole number from 0.
    """
    images = SuperResolutionImages(folders, scale, crop, cache_bytes)
    return _dataset(images, crop, batch, seed, augment, start)


def degraded_folder(
    folders: str | os.PathLike | Sequence[str | os.PathLike],
    degradation: Callable,
    crop: int,
    batch: int,
    seed: int = 0,
    augment: bool = True,
    cache_bytes: int = DEFAULT_CACHE,
    start: int = 0,
) -> Any:
    """Endless batches for denoising or brightening from folders of clean pictures.

    Args:
        folders: Folder or folders of clean pictures.
        degradation: Callable of a crop and a random generator, for example
            `GaussianNoise(sigma=(15, 50))`.
        crop, batch, seed, augment, cache_bytes, start: As in `paired_folder`.

    Returns:
        As `paired_folder`.

    Raises:
        DataError: naming all files that do not fit, before anything starts; for a `start` that is
            no whole number from 0.
    """
    images = CleanImages(folders, crop, cache_bytes, degradation)
    return _dataset(images, crop, batch, seed, augment, start)


def _dataset(images, crop, batch, seed, augment, start, **options):
    stages = [Stage(steps=1, crop=crop, batch=batch)]
    plan = SamplingPlan(images.sizes, stages, seed, images.scale, augment)
    return Batches(images, plan, **options).dataset(start)
