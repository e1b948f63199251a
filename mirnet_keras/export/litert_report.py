"""What came of an export to LiteRT: error, quality, size, time, and who computes it."""

import dataclasses
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from mirnet_keras.export.quality import Quality
from mirnet_keras.export.quantization import CALIBRATED
from mirnet_keras.export.report import ExportError, ExportReport

ROUNDS, SECONDS = 15, 3.0  # most runs and most time for a latency
TIMED_SIDE = 128  # of the picture with which a file of any size is timed
NOT_FASTER = 0.95  # of the float32 file's time


@dataclasses.dataclass(frozen=True)
class LiteRTReport(ExportReport):
    """The report of a LiteRT file.

    Attributes:
        quantization: of the file.
        io: "float" or "uint8".
        shape: "dynamic" or (height, width).
        quality: on pictures; None where the network takes no RGB.
        limit: dB, the most that the mode may take from the score; None for float32, which is held
            to its largest error.
        processor: name of the one that measured.
        threads: used for the times.
        timed: (height, width) of the picture for the times.
        milliseconds: median time of a picture.
        float32_milliseconds: the same of the float32 file, measured in turn with this one.
        float32_bytes: its size.
        operations: how many of each.
        outside_delegate: those that XNNPACK, the fast path of processors, does not compute.
        in_float: layers that were kept in float32.
        dead_ranges: tensors that never changed on the representative pictures; they got a floor.
    """

    quantization: str
    io: str
    shape: str | tuple[int, int]
    quality: Quality | None
    limit: float | None
    processor: str
    threads: int
    timed: tuple[int, int]
    milliseconds: float
    float32_milliseconds: float
    float32_bytes: int
    operations: dict[str, int]
    outside_delegate: dict[str, int]
    in_float: tuple[str, ...]
    dead_ranges: tuple[str, ...]

    def __str__(self) -> str:
        return self.table()

    def refuse_loss(self) -> None:
        """Raises an ExportError when the file takes more from the score than its mode may."""
        if self.limit is None or self.quality is None or self.quality.loss <= self.limit:
            return
        hint = (
            " or keep layers in float32 (mixed='auto')" if self.quantization in CALIBRATED else ""
        )
        raise ExportError(
            f"{self.quantization} takes {self.quality.loss:.2f} dB from the score, "
            f"{self.limit:g} dB is allowed. Nothing was written: take another quantization{hint}, "
            "or accept the loss."
        )

    def table(self) -> str:
        """Returns the report as text for people, a line for each fact."""
        rows = [
            ("file", f"{self.file}, {self.bytes / 1e6:.2f} MB{self._compared(self._size_ratio())}"),
            ("takes", f"{self.io} images, size {self._shape()}, {self.quantization}"),
            ("error", f"largest {self.largest_error:.1e}, mean {self.mean_error:.1e}"),
            *self._quality_rows(),
            ("time", f"{self.milliseconds:.1f} ms for {self._by(self.timed)}, {self.threads} "
             f"threads{self._compared(self._time_ratio())}; {self.processor}"),
            ("operations", _listed(self.operations)),
            ("not in XNNPACK", _listed(self.outside_delegate) or "none"),
        ]  # fmt: skip
        if self.in_float:
            rows.append(("kept in float32", ", ".join(self.in_float)))
        if self.dead_ranges:
            rows.append(("dead ranges", f"{', '.join(self.dead_ranges)}: given a floor"))
        if self.quantization != "float32" and self._time_ratio() > NOT_FASTER:
            rows.append(("note", f"not faster than float32 on this machine ({self.processor})"))
        return "\n".join(f"{name:15}  {text}" for name, text in rows)

    def _quality_rows(self):
        if self.quality is None:
            return
        quality = self.quality
        allowed = "" if self.limit is None else f", {self.limit:g} dB allowed"
        yield "to the model", f"{quality.psnr_to_model:.1f} dB PSNR, {quality.pictures} picture(s)"
        if quality.score is not None:
            yield (
                "score",
                (
                    f"{quality.score:.3f} dB, the model {quality.model_score:.3f} dB: "
                    f"{quality.loss:+.3f} dB lost{allowed}"
                ),
            )
        else:
            yield "score", f"a picture of 30 dB would lose {quality.loss:.3f} dB{allowed}"

    def _size_ratio(self) -> float:
        return self.bytes / self.float32_bytes

    def _time_ratio(self) -> float:
        return self.milliseconds / self.float32_milliseconds

    def _compared(self, ratio: float) -> str:
        return "" if self.quantization == "float32" else f" ({ratio:.0%} of float32)"

    def _shape(self) -> str:
        return "any" if isinstance(self.shape, str) else self._by(self.shape)

    @staticmethod
    def _by(size) -> str:
        return f"{size[0]} x {size[1]}"


def median_milliseconds(runs: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Times functions in turn, so that all see the same machine; after one call each."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run()
    begin = time.perf_counter()
    for _ in range(ROUNDS):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            times[name].append(1000 * (time.perf_counter() - start))
        if time.perf_counter() - begin > SECONDS:
            break
    return {name: float(np.median(values)) for name, values in times.items()}


def circumstances() -> dict:
    """The report's `processor` and `threads`."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return {"processor": [*names, platform.machine()][0], "threads": os.cpu_count() or 1}


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())
