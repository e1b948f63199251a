"""LiteRT files of one model, tried beside it."""

import functools
import math
from pathlib import Path

import numpy as np

from mirnet_keras import machine
from mirnet_keras.export import graph
from mirnet_keras.export.litert_file import as_dtype, open_litert, run_litert
from mirnet_keras.export.litert_report import (
    TIMED_SIDE,
    LiteRTReport,
    circumstances,
    median_milliseconds,
)
from mirnet_keras.export.quality import Picture, measure
from mirnet_keras.export.quantization import LIMITS
from mirnet_keras.export.report import SIZES, ExportError, compare
from mirnet_keras.export.serving import INPUTS
from mirnet_keras.models import RestorationModel

FLOAT32_ERROR = 1e-4  # largest that a float32 file may have
ROUNDING = 0.5 / 255  # of uint8 output
COMPARED_CROPS = 4  # representative ones, for finding sensitive layers


class Trial:
    """What all files of one model are compared with.

    Args:
        model: in float32.
        float32: content of its float32 file.
        fixed: (height, width) of a file for one size, else None.
        io: "float" or "uint8".
        pictures: that the quality is measured on.
    """

    def __init__(
        self,
        model: RestorationModel,
        float32: bytes,
        fixed: tuple[int, int] | None,
        io: str,
        pictures: list[Picture],
    ):
        self.model = model
        self.float32 = float32
        self.fixed = fixed
        self.io = io
        self.pictures = pictures
        self.channels = model.inputs[0].shape[-1]

    def convolutions(self) -> list[str]:
        """Names of the tensors that convolutions give."""
        with machine.silent_stderr():
            return graph.scopes(open_litert(self.float32))

    def inputs(self, images: np.ndarray) -> list[np.ndarray]:
        """All that the network takes with (batch, height, width, channels) images in 0..1."""
        if self.model.classes is None:
            return [images]
        batch, height, width, _ = images.shape
        scale = self.model.scale
        background = np.zeros((batch, scale * height, scale * width, self.model.classes), "f4")
        background[..., 0] = 1
        return [images, background]

    def named(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """The same as a file's signature takes them."""
        images, *others = self.inputs(images)
        dtype = np.uint8 if self.io == "uint8" else np.float32
        return dict(zip(INPUTS, [as_dtype(images, dtype), *others], strict=False))

    def psnr(self, content: bytes, crops: np.ndarray) -> float:
        """PSNR of a file to the model on a few crops, in dB; minus infinity if it cannot start."""
        pictures: list[Picture] = [(crop, None) for crop in crops[:: len(crops) // COMPARED_CROPS]]
        try:
            with machine.silent_stderr():
                restore = self._restoring(open_litert(content))
                found = measure(self.model, restore, pictures)
        except RuntimeError:  # LiteRT's, when it cannot allocate
            return -math.inf
        return found.psnr_to_model if found else -math.inf

    def report(
        self,
        path: Path,
        content: bytes,
        quantization: str,
        in_float: tuple[str, ...],
        dead_ranges: tuple[str, ...],
    ) -> LiteRTReport:
        """Runs a file and reports.

        Raises:
            ExportError: when it does not start, gives another shape or NaN, or is a float32 file
                that differs from the model.
        """
        try:
            with machine.silent_stderr():  # LiteRT announces its delegate
                return self._report(path, content, quantization, in_float, dead_ranges)
        except (RuntimeError, ValueError) as error:
            if isinstance(error, ExportError):
                raise
            raise ExportError(
                f"LiteRT cannot run the file ({str(error).splitlines()[0]}). Nothing was written."
            ) from error

    def _report(self, path, content, quantization, in_float, dead_ranges) -> LiteRTReport:
        interpreter = open_litert(content)
        graph.check_ranks(interpreter)
        tolerance = FLOAT32_ERROR if quantization == "float32" else math.inf
        errors = compare(
            self.model,
            lambda *inputs: run_litert(interpreter, *inputs),
            [self.fixed] if self.fixed else SIZES,
            tolerance + (ROUNDING if self.io == "uint8" else 0),
        )
        facts = circumstances()
        timed = self.fixed or (TIMED_SIDE, TIMED_SIDE)
        times = self._times({"this": content, "float32": self.float32}, timed, facts["threads"])
        return LiteRTReport(
            "litert",
            str(path),
            len(content),
            **errors,
            quantization=quantization,
            io=self.io,
            shape=self.fixed or "dynamic",
            quality=measure(self.model, self._restoring(interpreter), self.pictures),
            limit=None if quantization == "float32" else LIMITS[quantization],
            **facts,
            timed=timed,
            milliseconds=times["this"],
            float32_milliseconds=times["float32"],
            float32_bytes=len(self.float32),
            operations=graph.operations(interpreter),
            outside_delegate=graph.outside_delegate(interpreter),
            in_float=in_float,
            dead_ranges=dead_ranges,
        )

    def _times(self, contents: dict[str, bytes], size, threads: int) -> dict[str, float]:
        grey = np.full((1, *size, self.channels), 0.5, np.float32)
        return median_milliseconds(
            {
                name: functools.partial(
                    run_litert, open_litert(content, threads), *self.inputs(grey)
                )
                for name, content in contents.items()
            }
        )

    def _restoring(self, interpreter):
        return lambda picture: run_litert(interpreter, *self.inputs(picture[None]))[0]
