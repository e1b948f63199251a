"""SavedModel, for TensorFlow and TensorFlow Serving."""

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from mirnet_keras.export.report import ExportError, ExportReport, compare, size_in_bytes, writing
from mirnet_keras.export.serving import (
    INPUTS,
    OUTPUT,
    PICTURE_INPUT,
    PICTURE_OUTPUT,
    PICTURE_SIGNATURE,
    SIGNATURE,
    write_saved_model,
)
from mirnet_keras.export.warm_up import write_warm_up
from mirnet_keras.images import decode_image, encode_image, to_float, to_uint8
from mirnet_keras.models import RestorationModel
from mirnet_keras.presets import in_float32, new_folder

PICTURE_SIZES = ((24, 37), (19, 22))  # of the pictures that `restore_png` is tried with at once


def to_saved_model(model: RestorationModel, folder: str | os.PathLike) -> ExportReport:
    """Writes a SavedModel as TensorFlow Serving wants it, and tries it.

    The signature `serving_default` takes `images`, float32 (batch, height, width, channels) in
    0..1 of any size, and gives `restored`, clipped to 0..1. A network that takes a segmentation
    also wants `probabilities`, `scale` times larger.

    The signature `restore_png` takes `picture_bytes`, a batch of PNG or JPEG files of any sizes,
    and gives `restored_bytes`, PNG files. JPEG is decoded as `images.read_image` does; 16 bits
    become 8, alpha is dropped, and the EXIF orientation is not applied: turn the pictures before.
    A network that takes a segmentation sees all background; one whose images are no RGB lacks
    this signature.

    It runs without this package and without Keras. Requests that TensorFlow Serving warms the
    model up with lie in `assets.extra/`.

    Args:
        model: of any precision; the file computes in float32.
        folder: gets the model as version `1/`; a version 1 that is there is replaced.

    Raises:
        ExportError: when the file differs from the model, `1/` is no SavedModel, or Keras does
            not run on TensorFlow, or nothing can be written. Nothing is then written.
    """
    version = Path(folder) / "1"
    if version.exists() and not (version / "saved_model.pb").is_file():
        raise ExportError(f"'{version}' exists and is no SavedModel. Choose another folder.")
    model = in_float32(model)
    pictures = model.inputs[0].shape[-1] == model.outputs[0].shape[-1] == 3
    with writing(version), new_folder(version) as temporary:
        with _tensorflow_writing():
            write_saved_model(model, temporary, pictures)
            write_warm_up(model, temporary, pictures)
        errors = compare(model, open_saved_model(temporary))
        if pictures:
            _compare_pictures(model, open_picture_signature(temporary))
        return ExportReport("saved_model", str(version), size_in_bytes(temporary), **errors)


@contextlib.contextmanager
def _tensorflow_writing() -> Iterator[None]:
    """Makes TensorFlow's error of a file that cannot be written an OSError."""
    import tensorflow as tf

    try:
        yield
    except tf.errors.OpError as error:  # "...path; reason [Op:SaveV2]"
        reason = error.message.split("; ")[-1].split(" [Op:")[0]
        raise OSError(errno.EIO, reason) from error


def open_saved_model(folder: Path) -> Callable[..., np.ndarray]:
    """Loads a SavedModel; returns the function that restores images with it."""
    import tensorflow as tf

    # The loaded model lives as long as the function that belongs to it.
    signature = tf.saved_model.load(str(folder)).signatures[SIGNATURE]

    def restore(*inputs):
        named = {name: tf.constant(x) for name, x in zip(INPUTS, inputs, strict=False)}
        return signature(**named)[OUTPUT].numpy()

    return restore


def open_picture_signature(folder: Path) -> Callable[[list[bytes]], list[bytes]]:
    """Loads a SavedModel; returns the function that restores encoded pictures with it."""
    import tensorflow as tf

    signature = tf.saved_model.load(str(folder)).signatures[PICTURE_SIGNATURE]

    def restore_png(pictures):
        return signature(**{PICTURE_INPUT: tf.constant(pictures)})[PICTURE_OUTPUT].numpy().tolist()

    return restore_png


def _compare_pictures(model: RestorationModel, restore_png) -> None:
    """Raises where `restore_png` differs by more than rounding from the model on pictures."""
    random = np.random.default_rng(0)
    pictures = [random.integers(0, 256, (*size, 3), np.uint8) for size in PICTURE_SIZES]
    restored = restore_png([encode_image(picture, ".png") for picture in pictures])
    for picture, encoded in zip(pictures, restored, strict=True):
        expected = to_uint8(model.restore(to_float(picture)))
        received = decode_image(encoded)
        if received.shape != expected.shape or np.abs(received - expected.astype(int)).max() > 1:
            raise ExportError(
                f"The signature '{PICTURE_SIGNATURE}' does not give the model's picture for one "
                f"of {picture.shape[0]} x {picture.shape[1]}. Nothing was written."
            )
