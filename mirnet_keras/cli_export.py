"""The command `export`: files for other programs."""

import contextlib
import dataclasses
import enum
import sys
from pathlib import Path
from typing import Annotated

import typer

from mirnet_keras import machine
from mirnet_keras.cli_paths import (
    CommandError,
    Json,
    Overwrite,
    print_json,
    refuse_existing,
    require_suffix,
)


class ExportFormat(enum.StrEnum):
    """What `export` writes."""

    SAVED_MODEL = "saved_model"
    LITERT = "litert"
    ONNX = "onnx"


SUFFIXES = {ExportFormat.LITERT: ".tflite", ExportFormat.ONNX: ".onnx"}
LITERT_ALONE = "Only LiteRT files."


def export(
    preset: Annotated[str, typer.Argument(help="Preset name, folder or .keras file.")],
    out: Annotated[Path, typer.Argument(help="The .tflite or .onnx file, or SavedModel's folder.")],
    file_format: Annotated[
        ExportFormat, typer.Option("--format", help="What to write.")
    ] = ExportFormat.LITERT,
    shape: Annotated[
        str, typer.Option(help=f"HEIGHTxWIDTH of the pictures, or dynamic: any. {LITERT_ALONE}")
    ] = "dynamic",
    quantization: Annotated[
        str,
        typer.Option(
            "--quantize", help=f"float32, float16, dynamic, int8 or int16x8. {LITERT_ALONE}"
        ),
    ] = "float32",
    io: Annotated[
        str, typer.Option(help=f"float, or uint8 for pictures of 0..255. {LITERT_ALONE}")
    ] = "float",
    representative: Annotated[
        Path | None,
        typer.Option(help="Folder with pictures such as the network will get; int8 needs it."),
    ] = None,
    mixed: Annotated[
        str | None,
        typer.Option(
            help="Layers that int8 leaves in float32, separated by commas, or auto: finds them."
        ),
    ] = None,
    pictures: Annotated[
        Path | None,
        typer.Option(help="Folder of pictures to try a LiteRT file on; without it the bundled."),
    ] = None,
    targets: Annotated[
        Path | None, typer.Option(help="Folder of their ground truth, under the same names.")
    ] = None,
    accept_loss: Annotated[
        bool, typer.Option("--accept-loss", help="Write the file even if it restores worse.")
    ] = False,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Write a model for other programs, run what was written, and compare."""
    if file_format in SUFFIXES:
        require_suffix(out, SUFFIXES[file_format])
    refuse_existing([out if file_format in SUFFIXES else out / "1"], overwrite)
    size = _shape(shape)
    machine.start_keras()
    pairs = _pairs(pictures, targets)
    from mirnet_keras.export import (
        ExportReport,
        LiteRTReport,
        to_litert,
        to_onnx,
        to_saved_model,
    )
    from mirnet_keras.presets import load

    with contextlib.redirect_stdout(sys.stderr):  # TensorFlow's exporter prints, too
        model = load(preset)
        report: ExportReport
        if file_format is ExportFormat.SAVED_MODEL:
            report = to_saved_model(model, out)
        elif file_format is ExportFormat.ONNX:
            report = to_onnx(model, out)
        else:
            report = to_litert(
                model,
                out,
                size,
                quantization,
                io,
                representative=representative,
                mixed=mixed.split(",") if mixed and mixed != "auto" else mixed,
                pictures=pairs,
                accept_loss=accept_loss,
                tell=typer.echo,
            )
    if as_json:
        print_json(dataclasses.asdict(report))
    elif isinstance(report, LiteRTReport):
        typer.echo(report.table())
    else:
        typer.echo(
            f"Wrote {report.file} ({report.bytes / 1e6:.1f} MB). Tried on {len(report.sizes)} "
            f"sizes: it differs from the model by at most {report.largest_error:.1e}."
        )


def _shape(text: str) -> str | tuple[int, int]:
    if text == "dynamic":
        return text
    height, by, width = text.partition("x")
    if not (by and height.isdecimal() and width.isdecimal()):
        raise CommandError(
            f"--shape takes HEIGHTxWIDTH, such as 256x256, or dynamic, not '{text}'."
        )
    return int(height), int(width)


def _pairs(pictures: Path | None, targets: Path | None) -> list | None:
    """Pictures with their ground truth, where it is given."""
    from mirnet_keras.data import by_name
    from mirnet_keras.images import list_images, read_image

    if pictures is None:
        if targets is not None:
            raise CommandError("--targets belongs to --pictures: give the folder of what comes in.")
        return None
    if targets is None:
        return [(read_image(path), None) for path in list_images(pictures)]
    problems: list[str] = []
    inputs, truth = (by_name(folder, problems) for folder in (pictures, targets))
    alone = [path.name for name, path in inputs.items() if name not in truth]
    problems += [f"'{targets}' has no picture named like '{name}'" for name in alone]
    if problems:
        raise CommandError(f"{'; '.join(problems)}.")
    return [(read_image(path), read_image(truth[name])) for name, path in inputs.items()]
