"""What a training starts from: the weights of a trained network, or of another run."""

import contextlib
import pathlib

import keras

from mirnet_keras.presets import PresetError, find, load
from mirnet_keras.recipes import RecipeError, load_recipe
from mirnet_keras.training.fitting import build
from mirnet_keras.training.run_folder import RunFolder
from mirnet_keras.weights import transfer_by_name


def start_from(source: str, model: keras.Model) -> None:
    """Takes the weights of `source` into a model, where name and shape fit.

    Args:
        source: name or folder of a preset, `.keras` file, or folder of a run, whose `best.keras` is
            taken, else `last.keras`, else its checkpoint.
        model: gets them.

    Raises:
        PresetError: when `source` is none of these.
        RecipeError: when the run has kept nothing that can be read, or nothing of it fits.
    """
    kept = transfer_by_name(_network(source), model)
    if len(kept) == len(model.variables):
        raise RecipeError(
            f"`start_from: {source}` has no weight whose name and shape fit {model.name!r}. "
            "Leave it out, or name a network of the same kind."
        )


def _network(source: str) -> keras.Model:
    folder = pathlib.Path(source)
    if _is_run(folder) and not _is_preset(source):
        return _network_of_run(folder)
    return load(source)


def _is_run(folder: pathlib.Path) -> bool:
    return (folder / "recipe.yaml").is_file() or _is_run_in_two_steps(folder)


def _is_run_in_two_steps(folder: pathlib.Path) -> bool:
    return (folder / "step_1" / "recipe.yaml").is_file()


def _is_preset(source: str) -> bool:
    try:
        find(source)
    except PresetError:
        return False
    return True


def _network_of_run(folder: pathlib.Path) -> keras.Model:
    for name in ("best.keras", "last.keras"):
        if (folder / name).is_file():
            return load(folder / name)
    if _is_run_in_two_steps(folder):  # the second has kept no network yet
        return _network_of_run(folder / "step_1")
    run = RunFolder(folder, load_recipe(folder / "recipe.yaml"), writes=False)
    model = build(run.recipe)
    for checkpoint in run.checkpoints:
        with contextlib.suppress(ValueError, OSError, KeyError):  # a damaged one
            model.load_weights(checkpoint)
            return model
    raise RecipeError(f"`start_from`: the run in {folder} has kept no weights that can be read.")
