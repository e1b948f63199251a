"""The folder of a training run: recipe, log, checkpoint, models."""

import csv
import pathlib

import h5py
import keras
import yaml

from mirnet_keras.files import write_whole
from mirnet_keras.recipes import Recipe, RecipeError, load_recipe


class RunFolder:
    """Where a training run keeps what it needs to go on, and what it leaves.

    `recipe.yaml`, `log.csv`, `checkpoint.weights.h5` (weights and optimizer of the last report),
    `best.keras` and `last.keras` (averaged weights).

    Args:
        path: path. Created when absent.
        recipe: `Recipe`. A run that exists goes on only with the recipe it began with.

    Raises:
        RecipeError: when the folder holds a run of another recipe.
    """

    def __init__(self, path, recipe: Recipe):
        self.path = pathlib.Path(path)
        self.path.mkdir(parents=True, exist_ok=True)
        self.checkpoint = self.path / "checkpoint.weights.h5"
        self.log = self.path / "log.csv"
        self.best = self.path / "best.keras"
        self.last = self.path / "last.keras"
        kept = self.path / "recipe.yaml"
        if not kept.exists():
            write_whole(kept, lambda file: file.write_text(_as_yaml(recipe)))
        elif _difference(recipe, kept):
            raise RecipeError(
                f"{self.path} holds a run of another recipe: {_difference(recipe, kept)}. "
                "Choose another folder, or go on with the recipe.yaml in it."
            )

    def save_checkpoint(self, model):
        """Writes weights and optimizer; a reader finds the old file or the new one, whole."""
        write_whole(self.checkpoint, model.save_weights)

    def load_checkpoint(self, model) -> int:
        """Restores weights and optimizer where there is a checkpoint; returns the steps done.

        Raises:
            RecipeError: when the checkpoint is of another network.
        """
        if not self.checkpoint.exists():
            return 0
        model.optimizer.build(model.trainable_variables)
        try:
            self._check_size(model)
            model.load_weights(self.checkpoint)
        except (ValueError, OSError, KeyError) as error:
            raise RecipeError(
                f"{self.checkpoint} cannot be loaded into this network: it is damaged or of "
                f"another network ({str(error).splitlines()[0]}). Nothing was changed."
            ) from None
        return int(keras.ops.convert_to_numpy(model.optimizer.iterations))

    def _check_size(self, model):
        """Keras ignores what a file holds beyond the model: so count the optimizer's variables."""
        with h5py.File(self.checkpoint) as file:
            held = len(file["optimizer/vars"])
        expected = len(model.optimizer.variables)
        if held != expected:
            raise ValueError(f"it holds {held} variables of the optimizer, not {expected}")

    def cut_log(self, epoch: int):
        """Drops lines of the log from `epoch` on, which will be trained again."""
        if not self.log.exists():
            return
        with self.log.open(newline="") as file:
            lines = list(csv.reader(file))
        kept = lines[:1] + [line for line in lines[1:] if int(line[0]) < epoch]

        def write(path):
            with path.open("w", newline="") as file:
                csv.writer(file).writerows(kept)

        write_whole(self.log, write)


def _as_yaml(recipe: Recipe) -> str:
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False)


def _difference(recipe: Recipe, kept) -> str:
    old, new = (r.model_dump(mode="json") for r in (load_recipe(kept), recipe))
    changed = [key for key in new if new[key] != old[key]]
    return ", ".join(f"{key} was {old[key]!r}, is {new[key]!r}" for key in changed)
