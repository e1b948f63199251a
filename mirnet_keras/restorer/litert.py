"""LiteRT files as models: what `export.to_litert` writes, run without Keras and TensorFlow."""

import os
import pathlib

import numpy as np

PROBE = 16  # side of the picture that tells the scale of a file for any size


class LiteRTError(ValueError):
    """A LiteRT file cannot be run here; the message says why and what to do."""


class LiteRTModel:
    """A LiteRT file, with as much of a `RestorationModel` as restoring needs.

    The files of this package pad and crop inside, so that any size fits; those for a fixed size
    take one picture of that size.

    Args:
        path: of a `.tflite` file, float32 (batch, height, width, 3) in 0..1 to the same.

    Attributes:
        scale: Linear enlargement.
        multiple: 1.
        fixed_size: (height, width) of a file for one size, else None.

    Raises:
        FileNotFoundError: when there is no such file.
        LiteRTError: when it cannot be read, is no image restoration in float32, or the package
            ai-edge-litert is missing.
    """

    multiple = smallest = 1

    def __init__(self, path: str | os.PathLike):
        self._path = pathlib.Path(path)
        self._interpreter = _interpreter(self._path)
        entry = self._interpreter.get_input_details()[0]
        _, height, width, channels = _signature(entry, self._path)
        if channels != 3 or entry["dtype"] != np.float32:
            raise LiteRTError(
                f"'{path}' takes {channels} channels of {np.dtype(entry['dtype']).name}, not 3 of "
                "float32. Export the model again with `export.to_litert`."
            )
        self.fixed_size = None if -1 in (height, width) else (height, width)
        self.scale = self._measured_scale(self.fixed_size or (PROBE, PROBE))

    def predict_on_batch(self, images: np.ndarray) -> np.ndarray:
        """Restores images: float32 (batch, height, width, 3) in 0..1, one for a fixed size."""
        entry = self._interpreter.get_input_details()[0]
        try:
            if tuple(entry["shape"]) != images.shape:
                self._interpreter.resize_tensor_input(entry["index"], images.shape)
            self._interpreter.allocate_tensors()
            self._interpreter.set_tensor(entry["index"], np.ascontiguousarray(images))
            self._interpreter.invoke()
        except (RuntimeError, ValueError) as error:
            raise LiteRTError(
                f"'{self._path}' fails on images of shape {images.shape} "
                f"({str(error).splitlines()[0]}). Export the model again with `export.to_litert`."
            ) from error
        return self._interpreter.get_tensor(self._interpreter.get_output_details()[0]["index"])

    def _measured_scale(self, size: tuple[int, int]) -> int:
        restored = self.predict_on_batch(np.zeros((1, *size, 3), np.float32)).shape
        scale = restored[1] // size[0] if len(restored) == 4 else 0
        if restored != (1, scale * size[0], scale * size[1], 3):
            raise LiteRTError(
                f"'{self._path}' gives {restored} for an image of {size[0]} x {size[1]}, which is "
                "no enlargement of it. Use a file written by `export.to_litert`."
            )
        return scale


def _interpreter(path: pathlib.Path):
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        raise LiteRTError(
            f"Running '{path}' needs the package ai-edge-litert: "
            "pip install 'mirnet-keras[litert]'."
        ) from None
    if not path.is_file():
        raise FileNotFoundError(f"There is no LiteRT file '{path}'. Check the path.")
    try:
        return Interpreter(str(path), num_threads=os.cpu_count())
    except ValueError as error:
        raise LiteRTError(f"'{path}' is damaged or no LiteRT file ({error}).") from None


def _signature(entry: dict, path: pathlib.Path) -> tuple[int, ...]:
    """Batch, height, width, channels of the input; -1 is any."""
    signature = tuple(int(size) for size in entry["shape_signature"])
    if len(signature) != 4:
        raise LiteRTError(f"'{path}' takes arrays of shape {signature}, which are no images.")
    return signature
