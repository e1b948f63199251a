"""LiteRT (TensorFlow Lite), for phones, browsers and small computers."""

import difflib
import os
import tempfile
import uuid
from pathlib import Path

import numpy as np

from mirnet_keras.export.report import SIZES, ExportError, ExportReport, compare
from mirnet_keras.export.serving import write_saved_model
from mirnet_keras.models import RestorationModel
from mirnet_keras.presets import in_float32

QUANTIZATIONS = ("float32",)


def to_litert(
    model: RestorationModel,
    path: str | os.PathLike,
    shape: str | tuple[int, int] = "dynamic",
    quantization: str = "float32",
) -> ExportReport:
    """Writes a LiteRT file, and tries it in the LiteRT interpreter.

    It takes float32 images in 0..1 and gives them restored, clipped to 0..1. Only LiteRT's own
    operations are used, so that every interpreter can run it. Beside the file nothing is needed.

    Args:
        model: of any precision; the file computes in float32.
        path: of the file, ending in `.tflite`; replaced when it is there.
        shape: "dynamic" takes images of any number and size: call `resize_tensor_input`.
            (height, width) takes one image of that size, as browsers and some accelerators need.
        quantization: only "float32" so far.

    Raises:
        ValueError: for another shape, quantization or suffix.
        ExportError: when the file differs from the model, the model has an operation that LiteRT
            lacks, or Keras does not run on TensorFlow. Nothing is then written.
    """
    path = Path(path)
    _check(path, quantization)
    fixed = None if shape == "dynamic" else _fixed(shape)
    model = in_float32(model)
    content = _convert(model, (1, *fixed) if fixed else (None, None, None))
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{uuid.uuid4().hex}.tflite")
    try:
        temporary.write_bytes(content)
        interpreter = open_litert(temporary)
        errors = compare(
            model, lambda *inputs: run_litert(interpreter, *inputs), [fixed] if fixed else SIZES
        )
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return ExportReport("litert", str(path), len(content), **errors)


def open_litert(path: Path):
    """Opens a LiteRT file in a new interpreter: `ai_edge_litert`'s, or TensorFlow's own."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        from tensorflow.lite import Interpreter
    return Interpreter(str(path))


def run_litert(interpreter, *inputs: np.ndarray) -> np.ndarray:
    """Restores images with an open LiteRT file; one for any size is resized to theirs.

    Args:
        interpreter: of `open_litert`.
        *inputs: the images and, where the network takes one, their segmentation.
    """
    entries = sorted(interpreter.get_input_details(), key=lambda entry: entry["name"])
    for entry, values in zip(entries, inputs, strict=True):
        if tuple(entry["shape"]) != values.shape:
            interpreter.resize_tensor_input(entry["index"], values.shape)
    interpreter.allocate_tensors()
    for entry, values in zip(entries, inputs, strict=True):
        interpreter.set_tensor(entry["index"], values)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def _convert(model: RestorationModel, shape) -> bytes:
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as folder:
        write_saved_model(model, Path(folder), shape)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        try:
            return converter.convert()
        except Exception as error:  # the converter's own class is not public
            raise ExportError(
                f"LiteRT cannot take this model ({str(error).splitlines()[0]}). "
                "Export it with `to_saved_model`."
            ) from error


def _check(path: Path, quantization: str) -> None:
    if quantization not in QUANTIZATIONS:
        near = difflib.get_close_matches(quantization, QUANTIZATIONS, 1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise ValueError(
            f"`quantization` must be one of {list(QUANTIZATIONS)}. Received '{quantization}'.{hint}"
        )
    if path.suffix != ".tflite":
        raise ValueError(f"A LiteRT file ends in .tflite. Received '{path}'.")


def _fixed(shape) -> tuple[int, int]:
    if isinstance(shape, str) or len(shape) != 2 or not all(side >= 1 for side in shape):
        raise ValueError(f"`shape` must be 'dynamic' or (height, width). Received {shape!r}.")
    return int(shape[0]), int(shape[1])
