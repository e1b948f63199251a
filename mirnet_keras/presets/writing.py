"""Writing presets, whole or not at all."""

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mirnet_keras import __version__
from mirnet_keras.files import write_whole
from mirnet_keras.images import write_image
from mirnet_keras.presets.card import card
from mirnet_keras.presets.description import (
    CARD,
    DESCRIPTION,
    MODEL,
    PICTURE,
    Preset,
    PresetError,
    parse_description,
)
from mirnet_keras.presets.loading import sha256

if TYPE_CHECKING:
    from mirnet_keras.models import RestorationModel


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
    preset = parse_description(values, f"preset '{name}'")
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
    files = {name: sha256(folder / name) for name in sorted(names)}
    preset = preset.model_copy(update={"files": files})
    for name, text in (
        (CARD, card(preset)),
        (DESCRIPTION, preset.model_dump_json(indent=2) + "\n"),
    ):
        write_whole(folder / name, partial(Path.write_text, data=text, encoding="utf-8"))
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
    try:
        os.rename(source, target)
    except OSError:
        if former.exists():
            os.rename(former, target)
        raise
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
