"""Exports a preset, into its own folder."""

import json
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mirnet_keras.export.litert import to_litert
from mirnet_keras.export.quality import Picture, listed
from mirnet_keras.export.quantization import CALIBRATED
from mirnet_keras.export.record import REPORT, record
from mirnet_keras.export.saved_model import to_saved_model
from mirnet_keras.presets import describe_files, load, read_preset, replace_folder

SAVED_MODEL, LITERT = "saved_model", "model_{}.tflite"


def export_preset(
    folder: str | os.PathLike,
    quantizations: Sequence[str] = ("float32",),
    *,
    representative: Any = None,
    pictures: Iterable[Picture] | None = None,
) -> dict:
    """Writes `saved_model/`, LiteRT files and `export.json` into a preset's folder.

    The LiteRT files are named like `model_float32.tflite`, take pictures of any size, and replace
    all that were there.

    Everything is written and tried in a temporary folder first; the checksums in `preset.json`
    and the card follow last.

    Args:
        folder: of the preset.
        quantizations: of the LiteRT files.
        representative, pictures: as in `to_litert`.

    Returns:
        The content of `export.json`: versions, and a report for each file.

    Raises:
        PresetError: when the folder is no preset, or its model is damaged or altered.
        ExportArgumentError, RepresentativeError: as `to_litert`.
        ExportError: when a file differs from the model; the preset is then left as it was.
    """
    folder, pictures = Path(folder), listed(pictures)
    preset = read_preset(folder)
    model = load(folder)
    with tempfile.TemporaryDirectory(prefix=".", dir=folder) as name:
        temporary = Path(name)
        record(to_saved_model(model, temporary / SAVED_MODEL), temporary)
        for mode in quantizations:
            to_litert(
                model,
                temporary / LITERT.format(mode),
                quantization=mode,
                representative=representative if mode in CALIBRATED else None,
                pictures=pictures,
            )
        content = json.loads((temporary / REPORT).read_bytes())
        replace_folder(temporary / SAVED_MODEL, folder / SAVED_MODEL)
        written = [*(LITERT.format(mode) for mode in quantizations), REPORT]
        for old in folder.glob(LITERT.format("*")):
            old.unlink()
        for file in written:
            os.replace(temporary / file, folder / file)
    kept = {name for name in preset.files if (folder / name).is_file()}
    kept -= {name for name in kept if name.startswith(f"{SAVED_MODEL}/")}
    exported = (folder / SAVED_MODEL).rglob("*")
    files = {file.relative_to(folder).as_posix() for file in exported if file.is_file()}
    describe_files(folder, preset, [*kept | files | {*written}])
    return content
