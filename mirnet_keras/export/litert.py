"""LiteRT (TensorFlow Lite), for phones, browsers and small computers."""

import difflib
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mirnet_keras.export.litert_file import convert
from mirnet_keras.export.litert_report import LiteRTReport
from mirnet_keras.export.litert_trial import Trial
from mirnet_keras.export.metadata import add_metadata, describe
from mirnet_keras.export.quality import Picture, bundled_pictures, fitted, listed
from mirnet_keras.export.quantization import (
    CALIBRATED,
    QUANTIZATIONS,
    Quantized,
    find_ranges,
    quantize,
    require_quantizer,
)
from mirnet_keras.export.record import check_record, record
from mirnet_keras.export.report import ExportArgumentError, writing
from mirnet_keras.export.representative import representative_crops
from mirnet_keras.export.sensitivity import choose_in_float
from mirnet_keras.export.serving import ANY_SIZE, require_tensorflow
from mirnet_keras.files import write_whole
from mirnet_keras.models import RestorationModel
from mirnet_keras.presets import in_float32

IO = ("float", "uint8")


def to_litert(
    model: RestorationModel,
    path: str | os.PathLike,
    shape: str | tuple[int, int] = "dynamic",
    quantization: str = "float32",
    io: str = "float",
    *,
    representative: Any = None,
    mixed: str | Sequence[str] | None = None,
    pictures: Iterable[Picture] | None = None,
    accept_loss: bool = False,
    tell: Callable[[str], object] = lambda text: None,
) -> LiteRTReport:
    """Writes a LiteRT file, tries it in the LiteRT interpreter, and reports what came of it.

    It takes images in 0..1 and gives them restored, clipped to 0..1. Only LiteRT's own operations
    are used, so that every interpreter can run it, and no tensor has more than four axes. The
    file says itself what it is (`read_metadata`); its signature is `serving_default`, from
    `images` (and `probabilities`) to `restored`. The report goes to `export.json` beside it, too.

    Args:
        model: of any precision.
        path: of the file, ending in `.tflite`; replaced when it is there.
        shape: "dynamic" takes images of any number and size: call `resize_tensor_input`.
            (height, width) takes one image of that size, as browsers and some accelerators need;
            both are multiples of `model.multiple`.
        quantization: "float32"; "float16" or "dynamic" (8-bit weights) for smaller files; "int8"
            computes convolutions in 8 bits; "int16x8", 16-bit values and 8-bit weights, is for
            processors that have it: others compute it slowly.
        io: "float" or "uint8": 0..255 in and out, rounded inside.
        representative: for int8 and int16x8: pictures such as the network will get, from which
            it learns the ranges of its values; a folder, or an iterable of them as in
            `representative_crops`.
        mixed: for int8 and int16x8: names of layers that stay float32, as in the Keras model, or
            "auto": leaves one after the other in float32 and keeps those that gain 1 dB.
        pictures: pairs of what the network gets and its ground truth or None, (height, width,
            channels) uint8 or float in 0..1; by default the bundled pictures.
        accept_loss: writes the file even if it takes more from the score than the mode may.
        tell: gets the table of `mixed="auto"`.

    Raises:
        ExportArgumentError: for another shape, quantization, io, mixed or suffix, for int8 without
            representative pictures, and for `pictures` that hold none.
        RepresentativeError: for pictures that tell nothing, such as noise.
        ExportError: when the file gives NaN or differs from the model by more than the mode may
            (float32 1e-4; float16 0.02 dB, dynamic 0.1 dB, int8 0.3 dB, int16x8 0.1 dB of the
            score), the model has an operation that LiteRT lacks, a package is missing, or Keras
            does not run on TensorFlow. Nothing is then written.
    """
    path = Path(path)
    _check_words(path, quantization, io)
    _check_calibration(quantization, representative, mixed)
    given = listed(pictures)
    fixed = None if shape == "dynamic" else _fixed(shape, model)
    check_record(path.parent)
    require_tensorflow()
    if quantization != "float32":
        require_quantizer()
    model = in_float32(model)
    float32 = convert(model, (1, *fixed) if fixed else ANY_SIZE, io)
    tried = bundled_pictures(model, fixed) if given is None else given
    trial = Trial(model, float32, fixed, io, fitted(tried, model.scale, fixed))
    quantized, in_float = _quantized(trial, quantization, representative, mixed, tell)
    content = add_metadata(quantized.content, describe(model, io, quantization, fixed))
    report = trial.report(path, content, quantization, tuple(in_float), quantized.dead_ranges)
    if not accept_loss:
        report.refuse_loss()
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, lambda temporary: temporary.write_bytes(content))
    record(report, path.parent)
    return report


def _quantized(
    trial: Trial, mode: str, representative, mixed, tell
) -> tuple[Quantized, Sequence[str]]:
    """The file in the mode, and the layers that stay float32."""
    if mode == "float32":
        return Quantized(trial.float32), ()
    if mode not in CALIBRATED:
        return quantize(trial.float32, mode), ()
    crops = representative_crops(representative, trial.fixed, trial.channels)
    ranges = find_ranges(trial.float32, [trial.named(crop[None]) for crop in crops])
    in_float: Sequence[str] = mixed or ()
    if mixed == "auto":
        in_float, table = choose_in_float(
            trial.convolutions(),
            lambda names: trial.psnr(quantize(trial.float32, mode, ranges, names).content, crops),
        )
        tell(table)
    return quantize(trial.float32, mode, ranges, in_float), in_float


def _check_words(path: Path, quantization: str, io: str) -> None:
    for name, value, known in (("quantization", quantization, QUANTIZATIONS), ("io", io, IO)):
        if value not in known:
            near = difflib.get_close_matches(str(value), known, 1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            raise ExportArgumentError(
                f"`{name}` must be one of {list(known)}. Received '{value}'.{hint}"
            )
    if path.suffix != ".tflite":
        raise ExportArgumentError(f"A LiteRT file ends in .tflite. Received '{path}'.")


def _check_calibration(quantization: str, representative, mixed) -> None:
    if quantization in CALIBRATED:
        if representative is None:
            raise ExportArgumentError(
                f"quantization='{quantization}' needs `representative`: a folder with pictures "
                "such as the network will get, from which it learns the ranges of its values."
            )
        if isinstance(mixed, str) and mixed != "auto":
            raise ExportArgumentError(
                f"`mixed` must be 'auto' or names of layers. Received '{mixed}'."
            )
        return
    for name, value in (("representative", representative), ("mixed", mixed)):
        if value is not None:
            raise ExportArgumentError(
                f"`{name}` belongs to {' and '.join(CALIBRATED)}. Received it with "
                f"quantization='{quantization}': leave it out."
            )


def _fixed(shape, model: RestorationModel) -> tuple[int, int]:
    if isinstance(shape, str) or len(shape) != 2 or not all(side >= 1 for side in shape):
        raise ExportArgumentError(
            f"`shape` must be 'dynamic' or (height, width). Received {shape!r}."
        )
    least = np.maximum(shape, model.smallest)
    height, width = (int(-(-side // model.multiple) * model.multiple) for side in least)
    if (height, width) != tuple(shape):
        raise ExportArgumentError(
            f"`shape` must hold multiples of {model.multiple}, at least {model.smallest}, for "
            f"'{model.name}'. Received {tuple(shape)}: take ({height}, {width}), or 'dynamic', "
            "which pads by itself."
        )
    return height, width
