"""ONNX, for onnxruntime and what else reads it."""

import importlib.util
import os
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mirnet_keras.export.report import (
    ExportArgumentError,
    ExportError,
    ExportReport,
    compare,
    size_in_bytes,
    writing,
)
from mirnet_keras.export.serving import ANY_SIZE, INPUTS, require_tensorflow, restoring
from mirnet_keras.files import write_whole
from mirnet_keras.models import RestorationModel
from mirnet_keras.models.folding import fold
from mirnet_keras.presets import in_float32

PACKAGES = ("onnx", "onnxruntime", "tf2onnx")
TRIED = 16  # side of the picture that builds the graph


def to_onnx(model: RestorationModel, path: str | os.PathLike) -> ExportReport:
    """Writes an ONNX file by Keras' own export, and tries it in onnxruntime.

    It takes `images`, float32 (batch, height, width, channels) in 0..1 of any size, and gives them
    restored, clipped to 0..1. A network that takes a segmentation also wants `probabilities`,
    `scale` times larger.

    Args:
        model: of any precision; the file computes in float32.
        path: of the file, ending in `.onnx`; replaced when it is there.

    Raises:
        ExportArgumentError: for another suffix.
        ExportError: when the file differs from the model, the model has an operation that ONNX
            lacks, a package is missing, or Keras does not run on TensorFlow. Nothing is then
            written.
    """
    path = Path(path)
    if path.suffix != ".onnx":
        raise ExportArgumentError(f"An ONNX file ends in .onnx. Received '{path}'.")
    require_tensorflow()
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise ExportError(f"Exporting to ONNX needs {', '.join(missing)}: pip install '.[onnx]'.")
    model = in_float32(model)
    report: dict[str, Any] = {}

    def write(temporary):
        _convert(model, temporary)
        report.update(compare(model, open_onnx(temporary)), bytes=size_in_bytes(temporary))

    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, write)
    return ExportReport("onnx", str(path), **report)


def open_onnx(path: Path):
    """Opens an ONNX file; returns the function that restores images with it."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    def restore(*inputs: np.ndarray) -> np.ndarray:
        return session.run(None, dict(zip(INPUTS, inputs, strict=False)))[0]

    return restore


class _Restoring(keras.Model):
    """The padded and clipped network, as Keras' export wants it."""

    def __init__(self, network: RestorationModel):
        super().__init__(name="restoring")
        self.network = network
        self.restore = restoring(network, ANY_SIZE)

    def call(self, *inputs):
        (restored,) = self.restore(*inputs).values()
        return restored


def _convert(model: RestorationModel, path: Path) -> None:
    restoring_model = _Restoring(fold(model))
    sides = (TRIED, model.scale * TRIED)
    inputs = [
        np.zeros((1, side, side, tensor.shape[-1]), np.float32)
        for side, tensor in zip(sides, model.inputs, strict=False)
    ]
    restoring_model(*inputs)
    signature = [
        keras.InputSpec(shape=(None, None, None, tensor.shape[-1]), dtype="float32", name=name)
        for name, tensor in zip(INPUTS, model.inputs, strict=False)
    ]
    try:
        with warnings.catch_warnings(action="ignore"):  # of tf2onnx, about NumPy
            restoring_model.export(path, format="onnx", input_signature=signature, verbose=False)
    except OSError:
        raise
    except Exception as error:  # tf2onnx raises nearly anything
        raise ExportError(
            f"ONNX cannot take this model ({str(error).splitlines()[0]}). "
            "Export it with `to_saved_model`."
        ) from error
