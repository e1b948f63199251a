"""LiteRT files on this machine: made by the converter, opened and run by the interpreter."""

import tempfile
from pathlib import Path

import numpy as np

from mirnet_keras.export.report import ExportError
from mirnet_keras.export.serving import OUTPUT, SIGNATURE, restoring, save_signatures
from mirnet_keras.images import to_uint8
from mirnet_keras.models import RestorationModel
from mirnet_keras.models.folding import fold


def convert(model: RestorationModel, shape, io: str) -> bytes:
    """Converts a model to a float32 LiteRT file with LiteRT's own operations.

    Args:
        model: in float32.
        shape: batch, height and width of the input; None where it may vary.
        io: "float", or "uint8" for images of 0..255 in and out, rounded inside.

    Raises:
        ExportError: when the model has an operation that LiteRT lacks.
    """
    import tensorflow as tf

    network = fold(model)
    restore = restoring(network, shape)
    signature = _in_uint8(restore) if io == "uint8" else restore
    with tempfile.TemporaryDirectory() as folder:
        save_signatures(network, folder, {SIGNATURE: signature})
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        try:
            return converter.convert()
        except Exception as error:  # the converter's own class is not public
            raise ExportError(
                f"LiteRT cannot take this model ({str(error).splitlines()[0]}). "
                "Export it with `to_saved_model`."
            ) from error


def open_litert(file: Path | str | bytes, threads: int | None = None):
    """Opens a LiteRT file in a new interpreter: `ai_edge_litert`'s, or TensorFlow's own.

    Args:
        file: its path or content.
        threads: that compute; None: LiteRT's choice, one.

    Raises:
        ExportError: when LiteRT cannot start the file.
    """
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        from tensorflow.lite import Interpreter
    if isinstance(file, bytes):
        return Interpreter(model_content=file, num_threads=threads)
    return Interpreter(str(file), num_threads=threads)


def run_litert(interpreter, *inputs: np.ndarray) -> np.ndarray:
    """Restores images with an open LiteRT file; one for any size is resized to theirs.

    Args:
        interpreter: of `open_litert`.
        *inputs: the images, float32 in 0..1, and, where the network takes one, their segmentation.
            A file for uint8 gets the images rounded.

    Returns:
        The restored images, float32 in 0..1.
    """
    entries = sorted(interpreter.get_input_details(), key=lambda entry: entry["name"])
    for entry, values in zip(entries, inputs, strict=True):
        if tuple(entry["shape"]) != values.shape:
            interpreter.resize_tensor_input(entry["index"], values.shape)
    interpreter.allocate_tensors()
    for entry, values in zip(entries, inputs, strict=True):
        interpreter.set_tensor(entry["index"], as_dtype(values, entry["dtype"]))
    interpreter.invoke()
    restored = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    return restored / np.float32(255) if restored.dtype == np.uint8 else restored


def as_dtype(images: np.ndarray, dtype) -> np.ndarray:
    """Float images as a file's input takes them: rounded to 0..255 for uint8."""
    return to_uint8(images) if dtype == np.uint8 else images


def _in_uint8(restore):
    """The same function for images of 0..255."""
    import tensorflow as tf

    first, *others = restore.input_signature
    signature = [tf.TensorSpec(first.shape, tf.uint8, first.name), *others]

    @tf.function(input_signature=signature, autograph=False)
    def restore_uint8(images, *probabilities):
        restored = restore(tf.cast(images, tf.float32) / 255.0, *probabilities)[OUTPUT]
        return {OUTPUT: tf.cast(tf.floor(restored * 255.0 + 0.5), tf.uint8)}

    return restore_uint8
