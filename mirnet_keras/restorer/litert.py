"""LiteRT files as models: what `export.to_litert` writes, run without Keras and TensorFlow."""

import json
import logging
import math
import os
import pathlib
import threading

import numpy as np

from mirnet_keras.global_networks import GLOBAL_NETWORKS
from mirnet_keras.litert_metadata import read_metadata
from mirnet_keras.restorer.plan import WORKING_MEMORY

GUESSED_BYTES = 1000  # for a small network of scale 1; measured: 800 to 6300 in all
PROBE = 16  # side of the picture that tells the scale of a file for any size
WHITE = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535}  # where a file does not say
LARGEST_SIDE = 4096  # of a result that is done whole: LiteRT counts numbers in 32 bits
# What LiteRT says; the last is its delegate for processors, met with a limit on memory.
LACKS_MEMORY = (
    "failed to allocate",
    "out of memory",
    "bad_alloc",
    "xnnpack delegate failed to reshape",
)
_log = logging.getLogger(__name__)


class LiteRTError(ValueError):
    """A LiteRT file cannot be run here; the message says why and what to do."""


class LiteRTModel:
    """A LiteRT file, with as much of a `RestorationModel` as restoring needs.

    The files of this package pad and crop inside, so that any size fits; those for a fixed size
    take pictures of that size. Files in whole numbers (uint8, int8) are fed and read as they say.

    Args:
        path: of a `.tflite` file, from (batch, height, width, 3) to the same, `scale` times larger.
        threads: that compute; None: as many as there are cores.

    Attributes:
        scale: Linear enlargement.
        multiple, smallest: 1.
        fixed_size: (height, width) of a file for one size, else None.
        fixed_batch: Pictures in each call of a file for one number of them, else None.
        reach: None, not known.
        largest_tile: Side of the largest square that is done whole; None: not known.
        whole_memory: Bytes that a picture may take beside the result to be done whole, where no
            budget is given: all where the network looks at the whole picture and can take it. (The
            memory of SAN's files grows with the square of the pixels.)
        overlap: What neighbouring tiles should share.
        pixel_bytes: Working memory for each pixel, as the `preset.json` beside the file says;
            else a careful guess.

    Raises:
        FileNotFoundError: when there is no such file.
        LiteRTError: when it cannot be read, is no image restoration, or the package
            ai-edge-litert is missing.
    """

    multiple = smallest = 1
    reach: int | None = None
    largest_tile: int | None = None
    whole_memory: float = WORKING_MEMORY
    overlap = 32

    def __init__(self, path: str | os.PathLike, threads: int | None = None):
        self._path = pathlib.Path(path)
        self._threads = threads or os.cpu_count()
        self._running = threading.Lock()
        self._interpreter = _interpreter(self._path, self._threads)
        self._input = self._only(self._interpreter.get_input_details(), "takes")
        batch, height, width = self._shape(self._input)
        self.fixed_size = None if -1 in (height, width) else (height, width)
        self.fixed_batch = None if batch == -1 else batch
        self._sizes: tuple[int, ...] = ()  # for which memory is allocated
        self.scale = self._measured_scale(self.fixed_size or (PROBE, PROBE))
        self.pixel_bytes = _described_bytes(self._path) or guessed_pixel_bytes(self.scale)
        network = read_metadata(self._path).get("network")
        self._is_unwarned = network in GLOBAL_NETWORKS
        if self._is_unwarned and network != "san":
            self.whole_memory, self.largest_tile = math.inf, LARGEST_SIDE // self.scale

    def predictor(self, picture: np.ndarray, at_once: int, report):
        """`predict_on_batch`: a file knows nothing of the whole picture, and says so once."""
        if self._is_unwarned:
            self._is_unwarned = False
            other = "file for any size" if self.fixed_size else "larger tile or memory budget"
            _log.warning(
                "The network in '%s' looks at the whole picture, but a LiteRT file does each tile "
                "by itself, which may come out brighter or darker than the whole. Use a %s, or the "
                "Keras preset, which looks at all tiles first.",
                self._path,
                other,
            )
        return self.predict_on_batch

    def in_float32(self) -> None:
        """None: a file has one precision."""
        return None

    def predict_on_batch(self, images: np.ndarray) -> np.ndarray:
        """Restores images: float32 (batch, height, width, 3) in 0..1 to the same, larger.

        One call at a time: threads wait for one another.

        Raises:
            MemoryError: when there is not enough.
            LiteRTError: when the file fails on images of this shape.
        """
        with self._running:
            return self._run(images)

    def _run(self, images: np.ndarray) -> np.ndarray:
        try:
            if self._sizes != images.shape:
                self._sizes = ()
                self._interpreter.resize_tensor_input(self._input["index"], images.shape)
                self._interpreter.allocate_tensors()
                self._sizes = images.shape
            self._interpreter.set_tensor(self._input["index"], _encoded(images, self._input))
            self._interpreter.invoke()
        except (RuntimeError, ValueError) as error:
            reason = str(error)
            if any(words in reason.lower() for words in LACKS_MEMORY):
                # LiteRT crashes when it goes on with what it could not allocate.
                self._interpreter, self._sizes = _interpreter(self._path, self._threads), ()
                raise MemoryError(reason) from error
            raise LiteRTError(
                f"'{self._path}' fails on images of shape {images.shape} "
                f"({reason.splitlines()[0]}). Export the model again with `export.to_litert`."
            ) from error
        entry = self._only(self._interpreter.get_output_details(), "gives")
        return _decoded(self._interpreter.get_tensor(entry["index"]), entry)

    def _only(self, entries: list[dict], does: str) -> dict:
        if len(entries) != 1:
            raise LiteRTError(
                f"'{self._path}' {does} {len(entries)} arrays, not one batch of images. "
                "Restore with the `.keras` file of this model."
            )
        return entries[0]

    def _shape(self, entry: dict) -> tuple[int, int, int]:
        """Batch, height, width of the input; -1 is any."""
        signature = tuple(int(size) for size in entry["shape_signature"])
        if len(signature) != 4 or signature[-1] != 3:
            raise LiteRTError(
                f"'{self._path}' takes arrays of shape {signature}, which are no RGB images. "
                "Export the model again with `export.to_litert`."
            )
        return signature[:3]

    def _measured_scale(self, size: tuple[int, int]) -> int:
        batch = self.fixed_batch or 1
        restored = self.predict_on_batch(np.zeros((batch, *size, 3), np.float32)).shape
        scale = restored[1] // size[0] if len(restored) == 4 else 0
        if restored != (batch, scale * size[0], scale * size[1], 3):
            raise LiteRTError(
                f"'{self._path}' gives {restored} for an image of {size[0]} x {size[1]}, which is "
                "no enlargement of it. Use a file written by `export.to_litert`."
            )
        return scale


def guessed_pixel_bytes(scale: int) -> float:
    """A careful guess at the working memory for each pixel of the input, in bytes."""
    return GUESSED_BYTES * (3 + scale**2)


def _described_bytes(path: pathlib.Path) -> float | None:
    """What the description of the preset that a file lies in says."""
    try:
        description = json.loads((path.parent / "preset.json").read_bytes())
    except (OSError, ValueError):
        return None
    return (description.get("tiling") or {}).get("litert_bytes")


def _encoded(images: np.ndarray, entry: dict) -> np.ndarray:
    """Floats in 0..1 as the numbers that an input takes."""
    if np.issubdtype(entry["dtype"], np.floating):
        return np.ascontiguousarray(images, entry["dtype"])
    step, zero = _quantization(entry)
    limits = np.iinfo(entry["dtype"])
    numbers = np.floor(images / step + np.float32(zero + 0.5))
    return np.clip(numbers, limits.min, limits.max).astype(entry["dtype"])


def _decoded(numbers: np.ndarray, entry: dict) -> np.ndarray:
    """The numbers of an output as float32."""
    if np.issubdtype(numbers.dtype, np.floating):
        return numbers.astype(np.float32)
    step, zero = _quantization(entry)
    return (numbers.astype(np.float32) - np.float32(zero)) * step


def _quantization(entry: dict) -> tuple[np.float32, int]:
    """The difference between two whole numbers, and the one that means 0."""
    step, zero = entry["quantization"]
    if step == 0:  # not quantised: whole numbers of an image
        return np.float32(1 / WHITE[np.dtype(entry["dtype"])]), 0
    return np.float32(step), zero


def _interpreter(path: pathlib.Path, threads: int | None):
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        raise LiteRTError(
            f"Running '{path}' needs the package ai-edge-litert: pip install '.[litert]'."
        ) from None
    if not path.is_file():
        raise FileNotFoundError(f"There is no LiteRT file '{path}'. Check the path.")
    try:
        return Interpreter(str(path), num_threads=threads)
    except ValueError as error:
        raise LiteRTError(f"'{path}' is damaged or no LiteRT file ({error}).") from None
