"""Presets: trained models in folders that explain themselves.

A preset is a folder with `preset.json` (all that is known of the model, and the checksum of every
file), `model.keras`, the exported files, and `README.md`, a card for people.
"""

import contextlib
import difflib
import hashlib
import importlib
import importlib.resources
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pydantic

from mirnet_keras import __version__
from mirnet_keras.images import write_image

if TYPE_CHECKING:
    from mirnet_keras.models import RestorationModel

PLACES_VARIABLE = "MIRNET_KERAS_PRESETS"
DESCRIPTION, MODEL, CARD, PICTURE = "preset.json", "model.keras", "README.md", "before_after.png"


class PresetError(ValueError):
    """A preset or model file is missing, damaged or altered; the message says which, and why."""


class _Part(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class PresetScore(_Part):
    """What a preset scored on one data set.

    Attributes:
        data: name of the data set.
        protocol: key of `mirnet_keras.metrics.PROTOCOLS`.
        psnr: dB, mean over the images.
        ssim: at most 1, mean over the images.
    """

    data: str
    protocol: str
    psnr: float
    ssim: float


class Preset(_Part):
    """All that is known of a trained model: the content of `preset.json`.

    Attributes:
        name: what `load` calls it.
        network: key of `mirnet_keras.models.MODELS`.
        arguments: the network's arguments.
        task: what it does.
        scale: linear enlargement.
        multiple: the network's input sides are multiples of it (`restore` and exports pad).
        value_range: of the images at the model's door.
        parameters: their number.
        files: sha256 of each file, by its path in the folder; not of the description and the card.
        recipe: name of the recipe it was trained by.
        steps: training steps.
        trained_on: the training data, in words.
        data_licence: the licence of the training data, in words.
        licence: of the weights.
        scores: what it was measured to reach.
        version: of mirnet_keras that wrote it.
    """

    name: str
    network: str
    arguments: dict[str, Any]
    task: Literal["low-light enhancement", "super-resolution", "denoising"]
    scale: pydantic.PositiveInt
    multiple: pydantic.PositiveInt
    value_range: tuple[float, float] = (0.0, 1.0)
    parameters: pydantic.PositiveInt
    files: dict[str, str]
    recipe: str
    steps: pydantic.NonNegativeInt
    trained_on: str
    data_licence: str
    licence: str
    scores: list[PresetScore]
    version: str


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


def read_preset(folder: str | os.PathLike) -> Preset:
    """Reads a preset's description.

    Raises:
        PresetError: when it is missing, cut short, or says something that it cannot.
    """
    path = Path(folder) / DESCRIPTION
    try:
        values = json.loads(path.read_bytes())
    except OSError as error:
        raise PresetError(f"'{path}' cannot be opened: {error.strerror}.") from None
    except ValueError as error:  # JSON's and Unicode's
        raise PresetError(
            f"'{path}' is damaged or cut short ({error}). Copy or install the preset again."
        ) from None
    if not isinstance(values, dict):
        raise PresetError(f"'{path}' must hold a JSON object, as {DESCRIPTION} files do.")
    return _preset(values, str(path))


def load(source: str | os.PathLike) -> "RestorationModel":
    """Loads a trained model.

    Args:
        source: name or folder of a preset, or path of a `.keras` file.

    Returns:
        The model with its weights, not compiled, in the precision of Keras' global policy.

    Raises:
        PresetError: when there is no such preset or file, or it is damaged or altered.
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
        if _sha256(folder / name) != preset.files[name]:
            raise PresetError(
                f"'{folder / name}' was altered or damaged: its sha256 is not the one in "
                f"{DESCRIPTION}. Install the preset again."
            )


def save_preset(
    model: "RestorationModel",
    folder: str | os.PathLike,
    *,
    name: str,
    task: str,
    recipe: str,
    steps: int,
    trained_on: str,
    data_licence: str,
    scores: list[dict],
    licence: str = "Apache-2.0",
    picture: np.ndarray | None = None,
) -> Preset:
    """Writes a preset: description, model without optimizer in float32, and card.

    The folder appears complete or not at all. A preset that is already there is replaced as a
    whole, so that no exported file of the old weights stays: export again.

    Args:
        model: the trained model, of any precision.
        folder: where to write; best named like the preset.
        name: of the preset.
        task: "low-light enhancement", "super-resolution" or "denoising".
        recipe: name of the recipe it was trained by.
        steps: training steps.
        trained_on: the training data, in words.
        data_licence: the licence of the training data, in words.
        scores: dicts of data, protocol, psnr, ssim.
        licence: of the weights.
        picture: (height, width, 3) uint8, before beside after, for the card.

    Returns:
        The description that was written.

    Raises:
        PresetError: for values that do not fit, and when `folder` exists and is no preset.
    """
    folder = Path(folder)
    if folder.exists() and not (folder / DESCRIPTION).is_file():
        raise PresetError(f"'{folder}' exists and is no preset. Choose another folder.")
    values = {
        "name": name,
        "network": model.network,
        "arguments": model.arguments,
        "task": task,
        "scale": model.scale,
        "multiple": model.multiple,
        "parameters": model.count_params(),
        "files": {},
        "recipe": recipe,
        "steps": steps,
        "trained_on": trained_on,
        "data_licence": data_licence,
        "licence": licence,
        "scores": scores,
        "version": __version__,
    }
    preset = _preset(values, f"preset '{name}'")
    with new_folder(folder) as temporary:
        in_float32(model).save(temporary / MODEL)
        files = [MODEL]
        if picture is not None:
            write_image(temporary / PICTURE, picture)
            files.append(PICTURE)
        return describe_files(temporary, preset, files)


def describe_files(folder: Path, preset: Preset, names: list[str]) -> Preset:
    """Writes the description and the card of a preset, with fresh checksums of its files.

    Args:
        folder: of the preset.
        preset: its description; that of its files is replaced.
        names: paths of the files in the folder.

    Returns:
        The description that was written.
    """
    files = {name: _sha256(folder / name) for name in sorted(names)}
    preset = preset.model_copy(update={"files": files})
    for name, text in (
        (CARD, _card(preset)),
        (DESCRIPTION, preset.model_dump_json(indent=2) + "\n"),
    ):
        temporary = folder / f".{uuid.uuid4().hex}"
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, folder / name)
    return preset


@contextlib.contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Gives a temporary folder beside `path`, which gets that name when all went well.

    A folder that was there before is replaced; when something fails, it stays as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{uuid.uuid4().hex}")
    temporary.mkdir()
    try:
        yield temporary
        replace_folder(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def replace_folder(source: Path, target: Path) -> None:
    """Renames a folder to a name that another folder may bear, which is then removed."""
    former = target.with_name(f".{uuid.uuid4().hex}")
    if target.exists():
        os.rename(target, former)
    os.rename(source, target)
    shutil.rmtree(former, ignore_errors=True)


def in_float32(model: "RestorationModel") -> "RestorationModel":
    """Rebuilds a model in float32, not compiled, with the same weights.

    LiteRT cannot run a model of mixed precision, and a file should not depend on the precision of
    the training that made it.
    """
    import keras

    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        twin = type(model).from_config(model.get_config())
    finally:
        keras.config.set_dtype_policy(policy)
    twin.set_weights(model.get_weights())
    return twin


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


def _preset(values: dict, place: str) -> Preset:
    try:
        return Preset(**values)
    except pydantic.ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(str(part) for part in problem["loc"])
        what = {"missing": "is missing", "extra_forbidden": "is unknown"}.get(
            problem["type"], f"does not fit: {problem['msg']}, received {problem['input']!r}"
        )
        raise PresetError(f"{place}: the key '{key}' {what}.") from None


def _load_model(path: Path) -> "RestorationModel":
    import keras

    # Importing registers the classes that the file names.
    models = importlib.import_module("mirnet_keras.models")
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


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_USE = {
    "low-light enhancement": ("dark.jpg", "bright.png", "Brightens photographs taken in the dark."),
    "denoising": ("noisy.jpg", "clean.png", "Removes noise from photographs."),
    "super-resolution": ("small.jpg", "large.png", "Enlarges pictures {scale} times."),
}
_FILES = {
    MODEL: "the model with its weights, for Keras",
    PICTURE: "the picture above",
    "export.json": "how far each exported file is from the model",
}


def _card(preset: Preset) -> str:
    """The card for people, made of nothing but the description."""
    source, target, purpose = _USE[preset.task]
    arguments = ", ".join(f"{key}={value!r}" for key, value in preset.arguments.items())
    sides = "any size" if preset.multiple == 1 else f"sides multiples of {preset.multiple}"
    picture = f"\n![Before and after]({PICTURE})\n" if PICTURE in preset.files else ""
    scores = "\n".join(
        f"| {score.data} | {score.protocol} | {score.psnr:.2f} | {score.ssim:.4f} |"
        for score in preset.scores
    )
    files = "\n".join(f"| `{name}` | {text} |" for name, text in _file_table(preset))
    return f"""# {preset.name}

{purpose.format(scale=preset.scale)} Network `{preset.network}`, {preset.parameters:,} parameters
({arguments}).
{picture}
## Use

```python
import mirnet_keras as mk

restorer = mk.Restorer("{preset.name}")
restorer.restore_file("{source}", "{target}")
```

`mk.load("{preset.name}")` gives the Keras model: RGB float in {preset.value_range[0]:g} to \
{preset.value_range[1]:g}, {sides}.

## Scores

| data | protocol | PSNR (dB) | SSIM |
| --- | --- | --- | --- |
{scores}

Scores compare only within one protocol; `mirnet_keras.metrics.PROTOCOLS` says what each does.

## Training

Recipe `{preset.recipe}`, {preset.steps:,} steps, on {preset.trained_on}.

Licence of the training data: {preset.data_licence}. Licence of the weights: {preset.licence}.

## Files

| file | what |
| --- | --- |
| `{DESCRIPTION}` | all that is known of the model, and the checksums of the files |
{files}

Written by mirnet_keras {preset.version} from `{DESCRIPTION}`; changes by hand get lost.
"""


def _file_table(preset: Preset) -> Iterator[tuple[str, str]]:
    for name in preset.files:
        if name in _FILES:
            yield name, _FILES[name]
        elif name.endswith(".tflite"):
            yield name, "for LiteRT: phones, browsers, small computers; any picture size"
        elif name.endswith("/saved_model.pb"):
            yield f"{name.split('/')[0]}/", "for TensorFlow and TensorFlow Serving"
