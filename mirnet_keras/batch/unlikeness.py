"""Saying once that a picture is unlike what its network was trained on."""

import contextlib
import threading
from pathlib import Path

from mirnet_keras.pictures import Picture
from mirnet_keras.presets import Preset, PresetError, find, read_preset
from mirnet_keras.presets.description import DESCRIPTION
from mirnet_keras.recipes import SuperResolutionData, list_recipes, load_recipe
from mirnet_keras.restorer import look
from mirnet_keras.restorer.unlikeness import unlike_clean_bicubic


class UnlikenessRemark:
    """The remark on the first picture of a run that is unlike what its network was trained on.

    Threads may share it.
    """

    def __init__(self) -> None:
        self._saying = threading.Lock()
        self._is_said = False
        self._learned: dict[str, bool] = {}  # by what is loaded

    def on(self, picture: Picture, preset: str) -> str | None:
        """The remark on a picture; None where it was made before or there is none to make.

        Args:
            picture: what is to be restored.
            preset: what `Restorer` takes as text. Nothing is known of a file that lies in no
                preset's folder, nor of a preset whose recipe is not shipped.
        """
        if self._is_said or not self._learned_bicubic(preset):
            return None
        traits = unlike_clean_bicubic(look(picture.pixels, picture.alpha))
        with self._saying:
            if self._is_said or not traits:
                return None
            self._is_said = True
        *first, last = traits
        listed = f"{', '.join(first)} and {last}" if first else last
        return (
            f"{preset} was trained on clean bicubic pictures; this one has {listed}: expect less. "
            "(Said once.)"
        )

    def _learned_bicubic(self, preset: str) -> bool:
        if preset not in self._learned:
            description = _description(preset)
            self._learned[preset] = description is not None and learned_clean_bicubic(description)
        return self._learned[preset]


def learned_clean_bicubic(preset: Preset) -> bool:
    """Whether a preset's inputs in training were bicubic reductions, by the recipe that it names.

    A recipe that is not shipped says nothing.
    """
    if preset.task != "super-resolution" or preset.recipe not in list_recipes():
        return False
    return isinstance(load_recipe(preset.recipe).data, SuperResolutionData)


def _description(preset: str) -> Preset | None:
    """The description of a preset, by its name, its folder or a model file in that."""
    path = Path(preset)
    with contextlib.suppress(PresetError):
        is_file = path.suffix in (".keras", ".tflite")
        folder = path.parent if is_file else find(preset)
        if (folder / DESCRIPTION).is_file():
            return read_preset(folder)
    return None
