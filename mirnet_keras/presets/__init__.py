"""Presets: trained models in folders that explain themselves.

A preset is a folder with `preset.json` (all that is known of the model, and the checksum of every
file), `model.keras`, the exported files, and `README.md`, a card for people.
"""

from mirnet_keras.presets.description import (
    Preset,
    PresetError,
    PresetScore,
    PresetTiling,
    read_preset,
)
from mirnet_keras.presets.loading import check_files, find, list_presets, load
from mirnet_keras.presets.writing import (
    describe_files,
    in_float32,
    new_folder,
    replace_folder,
    save_preset,
)

__all__ = [
    "Preset",
    "PresetError",
    "PresetScore",
    "PresetTiling",
    "check_files",
    "describe_files",
    "find",
    "in_float32",
    "list_presets",
    "load",
    "new_folder",
    "read_preset",
    "replace_folder",
    "save_preset",
]
