"""Making the page: its own files, LiteRT.js, the models for browsers and photos to try."""

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from mirnet_keras.demo import ENLARGING_IF_THERE
from mirnet_keras.export import to_litert
from mirnet_keras.files import write_whole
from mirnet_keras.presets import PresetError, find, load, read_preset
from mirnet_keras.presets.description import MODEL
from mirnet_keras.restorer.litert import LiteRTModel
from mirnet_keras.restorer.suggestion import ENLARGING_PRESET, LOW_LIGHT_PRESET
from mirnet_keras.web.errors import WebError
from mirnet_keras.web.page_files import SITE, page_files, preset_title, site_facts
from mirnet_keras.web.runtime import fetch_runtime

# Side of the tiles in pixels of the photo, by scale: seconds each, so that progress shows and
# cancelling is missed by no one.
TILES = {1: 256, 2: 192}
SMALLEST_TILE = 128  # for larger scales


def build_site(folder: str | os.PathLike, presets: Iterable[str] | None = None) -> Path:
    """Makes a folder with the page; any web server for files can serve it.

    What is there from an earlier call and still right is not made again. npm is needed the first
    time (see `fetch_runtime`); what the page does later needs no network.

    Args:
        folder: of the site, created when absent.
        presets: names or folders of what the page offers; None: those of the demo.

    Returns:
        The folder.

    Raises:
        WebError: when npm is missing or fails, or a preset takes a segmentation.
        PresetError: for an unknown or damaged preset.
        ExportError: when Keras does not run on TensorFlow.
    """
    folder = Path(folder)
    found = [find(name) for name in (_demo_presets() if presets is None else presets)]
    runtime = fetch_runtime(folder)
    for name, content in page_files("device").items():
        (folder / name).write_bytes(content)
    facts = site_facts("device", for_dark=LOW_LIGHT_PRESET, for_others=ENLARGING_PRESET)
    facts |= {"runtime": runtime, "models": [_model(preset, folder) for preset in found]}
    text = json.dumps(facts, indent=2)
    write_whole(folder / SITE, lambda path: path.write_text(text))
    return folder


def _demo_presets() -> list[str]:
    names = [LOW_LIGHT_PRESET, ENLARGING_PRESET]
    with contextlib.suppress(PresetError):
        find(ENLARGING_IF_THERE)
        names.append(ENLARGING_IF_THERE)
    return names


def _model(preset: Path, folder: Path) -> dict:
    """The entry of a preset in `site.json`; writes its model for one size of tile, if need be."""
    description = read_preset(preset)
    tile = TILES.get(description.scale, SMALLEST_TILE)
    # The name holds a part of the checksum, so that a file with this name is the right one.
    file = f"{preset.name}-{tile}-{description.files[MODEL][:12]}.tflite"
    if not (folder / file).is_file():
        model = load(preset)
        if model.classes is not None:
            raise WebError(f"'{preset}' takes a segmentation, which the page has none of.")
        with tempfile.TemporaryDirectory() as temporary:  # keeps the report out of the site
            exported = Path(temporary) / file
            to_litert(model, exported, shape=(tile, tile))
            write_whole(folder / file, lambda path: shutil.copy(exported, path))
    return {
        "name": preset.name,
        "title": preset_title(description),
        "file": file,
        "scale": description.scale,
        "tile": tile,
        "overlap": LiteRTModel.overlap,
    }
