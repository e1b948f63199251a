"""Exports a preset, into its own folder."""

import dataclasses
import json
import os
import tempfile
from pathlib import Path

from mirnet_keras import __version__
from mirnet_keras.export.litert import to_litert
from mirnet_keras.export.saved_model import to_saved_model
from mirnet_keras.presets import describe_files, load, read_preset, replace_folder

SAVED_MODEL, LITERT, REPORT = "saved_model", "model_float32.tflite", "export.json"


def export_preset(folder: str | os.PathLike) -> dict:
    """Writes `saved_model/`, `model_float32.tflite` and `export.json` into a preset's folder.

    Everything is written and tried in a temporary folder first; the checksums in `preset.json`
    and the card follow last.

    Args:
        folder: of the preset.

    Returns:
        The content of `export.json`: versions, and a report for each file.

    Raises:
        PresetError: when the folder is no preset, or its model is damaged or altered.
        ExportError: when a file differs from the model; the preset is then left as it was.
    """
    import keras
    import tensorflow as tf

    folder = Path(folder)
    preset = read_preset(folder)
    model = load(folder)
    with tempfile.TemporaryDirectory(prefix=".", dir=folder) as name:
        temporary = Path(name)
        reports = [
            to_saved_model(model, temporary / SAVED_MODEL),
            to_litert(model, temporary / LITERT),
        ]
        content = {
            "versions": {
                "mirnet_keras": __version__,
                "keras": keras.__version__,
                "tensorflow": tf.__version__,
            },
            "exports": [_relative(report, temporary) for report in reports],
        }
        (temporary / REPORT).write_text(json.dumps(content, indent=2) + "\n")
        replace_folder(temporary / SAVED_MODEL, folder / SAVED_MODEL)
        for file in (LITERT, REPORT):
            os.replace(temporary / file, folder / file)
    kept = {name for name in preset.files if not name.startswith(f"{SAVED_MODEL}/")}
    exported = (folder / SAVED_MODEL).rglob("*")
    files = {file.relative_to(folder).as_posix() for file in exported if file.is_file()}
    describe_files(folder, preset, [*kept | files | {LITERT, REPORT}])
    return content


def _relative(report, folder: Path) -> dict:
    return dataclasses.asdict(report) | {"file": Path(report.file).relative_to(folder).as_posix()}
