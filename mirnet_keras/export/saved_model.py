"""SavedModel, for TensorFlow and TensorFlow Serving."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from mirnet_keras.export.report import ExportError, ExportReport, compare, size_in_bytes
from mirnet_keras.export.serving import INPUTS, OUTPUT, SIGNATURE, write_saved_model
from mirnet_keras.models import RestorationModel
from mirnet_keras.presets import in_float32, new_folder


def to_saved_model(model: RestorationModel, folder: str | os.PathLike) -> ExportReport:
    """Writes a SavedModel as TensorFlow Serving wants it, and tries it.

    The signature `serving_default` takes `images`, float32 (batch, height, width, channels) in
    0..1 of any size, and gives `restored`, clipped to 0..1. A network that takes a segmentation
    also wants `probabilities`, `scale` times larger. It runs without this package.

    Args:
        model: of any precision; the file computes in float32.
        folder: gets the model as version `1/`; a version 1 that is there is replaced.

    Raises:
        ExportError: when the file differs from the model, `1/` is no SavedModel, or Keras does
            not run on TensorFlow. Nothing is then written.
    """
    version = Path(folder) / "1"
    if version.exists() and not (version / "saved_model.pb").is_file():
        raise ExportError(f"'{version}' exists and is no SavedModel. Choose another folder.")
    model = in_float32(model)
    with new_folder(version) as temporary:
        write_saved_model(model, temporary, (None, None, None))
        errors = compare(model, open_saved_model(temporary))
        return ExportReport("saved_model", str(version), size_in_bytes(temporary), **errors)


def open_saved_model(folder: Path) -> Callable[..., np.ndarray]:
    """Loads a SavedModel; returns the function that restores images with it."""
    import tensorflow as tf

    # The loaded model lives as long as the function that belongs to it.
    signature = tf.saved_model.load(str(folder)).signatures[SIGNATURE]

    def restore(*inputs):
        named = {name: tf.constant(x) for name, x in zip(INPUTS, inputs, strict=False)}
        return signature(**named)[OUTPUT].numpy()

    return restore
