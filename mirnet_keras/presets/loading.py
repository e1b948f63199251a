"""Finding and loading presets."""

import difflib
import hashlib
import importlib
import importlib.resources
import os
from pathlib import Path
from typing import TYPE_CHECKING

from mirnet_keras.presets.description import DESCRIPTION, MODEL, Preset, PresetError, read_preset

if TYPE_CHECKING:
    from mirnet_keras.models import RestorationModel

PLACES_VARIABLE = "MIRNET_KERAS_PRESETS"


def list_presets() -> list[Preset]:
    """Describes every preset that can be loaded by name, in the order of the names.

    Raises:
        PresetError: naming a folder whose description cannot be read.
    """
    folders = _known_folders()
    # A preset is loaded by its folder's name, which people may change.
    return [
        read_preset(folders[name]).model_copy(update={"name": name}) for name in sorted(folders)
    ]


def find(name: str | os.PathLike) -> Path:
    """Finds the folder of a preset.

    Looks at: the path, if it is one; the folders named in the environment variable
    `MIRNET_KERAS_PRESETS`; the installed package; `saved_models/` of a checkout.

    Args:
        name: name of a preset, or path of its folder.

    Raises:
        PresetError: when there is none, with the names that exist and the nearest of them.
    """
    path = Path(name)
    if (path / DESCRIPTION).is_file():
        return path
    folders = _known_folders()
    if str(name) in folders:
        return folders[str(name)]
    if path.is_dir():
        raise PresetError(f"The folder '{name}' holds no {DESCRIPTION}, so it is no preset.")
    near = difflib.get_close_matches(str(name), folders, 1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    raise PresetError(f"There is no preset '{name}'. There are: {sorted(folders)}.{hint}")


def load(source: str | os.PathLike) -> "RestorationModel":
    """Loads a trained model.

    Args:
        source: name or folder of a preset, or path of a `.keras` file.

    Returns:
        The model with its weights, not compiled, in the precision of Keras' global policy.

    Raises:
        PresetError: when there is no such preset or file, or it is damaged or altered.
        SettingError: where Keras puts channels first.
    """
    if Path(source).suffix == ".keras":
        return _load_model(Path(source))
    folder = find(source)
    check_files(folder, read_preset(folder), [MODEL])
    return _load_model(folder / MODEL)


def check_files(folder: Path, preset: Preset, names: list[str] | None = None) -> None:
    """Compares files of a preset with the checksums in its description.

    Args:
        folder: of the preset.
        preset: its description.
        names: the files; None checks all that are described.

    Raises:
        PresetError: naming the file that is missing, altered or not described.
    """
    for name in preset.files if names is None else names:
        if name not in preset.files:
            raise PresetError(f"{DESCRIPTION} in '{folder}' says nothing of {name}.")
        if not (folder / name).is_file():
            raise PresetError(f"The preset in '{folder}' lacks {name}. Install it again.")
        if sha256(folder / name) != preset.files[name]:
            raise PresetError(
                f"'{folder / name}' was altered or damaged: its sha256 is not the one in "
                f"{DESCRIPTION}. Install the preset again."
            )


def sha256(path: Path) -> str:
    """Returns the checksum of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _known_folders() -> dict[str, Path]:
    """The presets' folders by name; of two with one name the first place's counts."""
    variable = os.environ.get(PLACES_VARIABLE, "")
    package = Path(str(importlib.resources.files("mirnet_keras")))
    places = [Path(place) for place in variable.split(os.pathsep) if place]
    places += [package / "saved_models", package.parent / "saved_models"]
    found: dict[str, Path] = {}
    for place in places:
        for description in sorted(place.glob(f"*/{DESCRIPTION}")):
            found.setdefault(description.parent.name, description.parent)
    return {name: folder for name, folder in found.items() if not name.startswith(".")}


def _load_model(path: Path) -> "RestorationModel":
    import keras

    # Importing registers the classes that the file names.
    models = importlib.import_module("mirnet_keras.models")
    models.check_settings()
    if not path.is_file():
        raise PresetError(f"There is no model file '{path}'. Check the path.")
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # on damaged files Keras, zipfile and HDF5 raise nearly anything
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise PresetError(
            f"'{path}' cannot be loaded: it is damaged or no model of this package ({reason})."
        ) from error
    if not isinstance(model, models.RestorationModel):
        raise PresetError(
            f"'{path}' holds a {type(model).__name__}, not a model of this package. "
            "Load it with `keras.saving.load_model`."
        )
    return model
