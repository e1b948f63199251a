"""`export.json`: what was measured of the exported files in a folder."""

import dataclasses
import json
from pathlib import Path

from mirnet_keras import __version__
from mirnet_keras.export.report import ExportError, ExportReport
from mirnet_keras.files import write_whole

REPORT = "export.json"


def check_record(folder: Path) -> None:
    """Raises an ExportError when the folder has an `export.json` of something else."""
    _read(folder)


def record(report: ExportReport, folder: Path) -> dict:
    """Adds a report to the folder's `export.json`, in place of an older one of the same file.

    Args:
        report: of a file in the folder.
        folder: of `export.json`.

    Returns:
        The new content of `export.json`.
    """
    import keras
    import tensorflow as tf

    entry = dataclasses.asdict(report)
    entry["file"] = Path(report.file).relative_to(folder).as_posix()
    others = [e for e in _read(folder) if e["file"] != entry["file"]]
    content = {
        "versions": {
            "mirnet_keras": __version__,
            "keras": keras.__version__,
            "tensorflow": tf.__version__,
        },
        "exports": [*others, entry],
    }
    text = json.dumps(content, indent=2) + "\n"
    write_whole(folder / REPORT, lambda path: path.write_text(text))
    return content


def _read(folder: Path) -> list[dict]:
    path = folder / REPORT
    if not path.exists():
        return []
    try:
        entries = list(json.loads(path.read_bytes())["exports"])
        return [{**entry, "file": entry["file"]} for entry in entries]  # each must name its file
    except (ValueError, KeyError, TypeError):
        raise ExportError(
            f"'{path}' is not a report of this package. Move it, or export to another folder."
        ) from None
