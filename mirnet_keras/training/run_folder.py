"""The folder of a training run: recipe, log, checkpoint, models."""

import contextlib
import csv
import pathlib
from collections.abc import Callable, Iterator

import yaml

from mirnet_keras.files import remove_leftovers, write_whole
from mirnet_keras.recipes import Recipe, RecipeError, load_recipe
from mirnet_keras.training.checkpoints import CheckpointError, Checkpoints
from mirnet_keras.training.fingerprint import Fingerprint

REPORTS = ("report.md", "report.json", "curve.png")


class SaveError(OSError):
    """A file of a run cannot be written; what the run had is as it was."""


@contextlib.contextmanager
def saving(path) -> Iterator[None]:
    """Says which file it is that cannot be written in it, and what to do.

    Raises:
        SaveError: on a full disk and the like.
    """
    try:
        yield
    except OSError as error:
        raise SaveError(
            f"{path} cannot be written: {error.strerror or error}. Once that is mended, for "
            "instance by making room, the same command goes on from the last report."
        ) from None


class RunFolder:
    """Where a training run keeps what it needs to go on, and what it leaves.

    `recipe.yaml`, `data.yaml` (by what the pictures are known again), `log.csv`,
    `checkpoint.weights.h5` (weights and optimizer of the last report), `previous.weights.h5` (of
    the report before), `best.keras` and `last.keras` (averaged weights).

    Args:
        path: path. Created when absent.
        recipe: `Recipe`. A run that exists goes on only with the recipe it began with.
        writes: bool. False on all hosts but one: they read the folder, and write nothing.
        pictures: `Fingerprint` of what is trained on; None: it is not looked at.

    Raises:
        RecipeError: when the folder holds a run of another recipe or on other pictures, or no run
            and files that one would replace.
        SaveError: when the recipe cannot be written.
    """

    def __init__(
        self, path, recipe: Recipe, writes: bool = True, pictures: Fingerprint | None = None
    ):
        self.path = pathlib.Path(path)
        self.writes = writes
        self._checkpoints = Checkpoints(self.path, writes)
        self.checkpoint = self._checkpoints.last
        self.previous = self._checkpoints.previous
        self.log = self.path / "log.csv"
        self.best = self.path / "best.keras"
        self.last = self.path / "last.keras"
        self.recipe = recipe
        self.pictures = pictures
        self._kept = self.path / "recipe.yaml"
        self._kept_pictures = self.path / "data.yaml"
        if writes:
            self.path.mkdir(parents=True, exist_ok=True)
            remove_leftovers([self.checkpoint, self.best, self.last])
        if self._kept.exists() and (changes := _difference(recipe, self._kept)):
            raise RecipeError(
                f"{self.path} holds a run of another recipe: {changes}. "
                f"Choose another folder, with `start_from: {self.path}` to begin with its weights, "
                "or go on with the recipe.yaml in it."
            )
        if self.checkpoints:
            self._check_pictures()
        elif not self._kept.exists():
            self._check_free()
        if not self.checkpoints:
            self._keep_recipe()
            self._keep_pictures()

    @property
    def checkpoints(self) -> list[pathlib.Path]:
        """Those that are there, the last one first."""
        return self._checkpoints.there

    def _check_free(self):
        """Raises where files lie in the folder that a run would replace."""
        names = (self.log.name, self.best.name, self.last.name, *REPORTS)
        there = [name for name in names if (self.path / name).exists()]
        if there:
            raise RecipeError(
                f"{self.path} holds no run, but files that one would replace: {', '.join(there)}. "
                "Choose another folder."
            )

    def _check_pictures(self):
        if self.pictures is None or not self._kept_pictures.exists():
            return
        if change := self.pictures.change_since(self._kept_pictures):
            raise RecipeError(
                f"{self.path} holds a run on other pictures: {change}. Put them back as they were, "
                f"or choose another folder, with `start_from: {self.path}` to begin with its "
                "weights."
            )

    def write(self, path: pathlib.Path, write: Callable[[pathlib.Path], object]):
        """Calls `write` with a temporary path for a file of the run: whole or not at all.

        Raises:
            SaveError: on a full disk and the like.
        """
        if self.writes:
            with saving(path):
                write_whole(path, write)

    def save(self, network, path: pathlib.Path):
        """Writes a network into the folder without its optimizer, whole or not at all."""
        compiled, optimizer = network.compiled, getattr(network, "optimizer", None)
        network.compiled, network.optimizer = False, None
        try:
            self.write(path, network.save)
        finally:
            network.compiled, network.optimizer = compiled, optimizer

    def save_checkpoint(self, model, step: int):
        """Writes weights, optimizer and `step`, the batches seen, whole or not at all.

        The checkpoint before is kept, too.
        """
        with saving(self.checkpoint):
            self._checkpoints.save(model, step)

    def load_checkpoint(self, model) -> int:
        """Restores weights and optimizer where there is a checkpoint; returns the steps done.

        Where the last one cannot be read, that is logged, and the one before is taken.

        Raises:
            RecipeError: when all are damaged or of another network.
        """
        if not self.checkpoints:
            return 0
        try:
            step = self._checkpoints.load(model)
        except CheckpointError as error:
            raise RecipeError(
                f"{error} Choose another folder for this recipe, or take the recipe that the run "
                "began with; nothing was changed."
            ) from None
        self._keep_recipe()
        if not self._kept_pictures.exists():  # in the folder of an older version
            self._keep_pictures()
        return step

    def _keep_recipe(self):
        if not self._kept.exists():
            self.write(self._kept, lambda path: path.write_text(_as_yaml(self.recipe)))

    def _keep_pictures(self):
        if self.pictures is not None:
            text = self.pictures.as_yaml()
            self.write(self._kept_pictures, lambda path: path.write_text(text))

    def cut_log(self, epoch: int):
        """Drops lines of the log from `epoch` on, which will be trained again."""
        if not self.writes or not self.log.exists():
            return
        with self.log.open(newline="") as file:
            header, *lines = list(csv.reader(file)) or [[]]
        # Where the disk was full or the machine lost its power, the last line may be a part of one.
        lines = [line for line in lines if len(line) == len(header) and int(line[0]) < epoch]

        def write(path):
            with path.open("w", newline="") as file:
                csv.writer(file).writerows([header, *lines] if lines else [])

        self.write(self.log, write)

    def logged(self, name: str) -> list[float]:
        """The values of a column of the log, of which there may be none."""
        if not self.log.exists():
            return []
        with self.log.open(newline="") as file:
            return [float(line[name]) for line in csv.DictReader(file) if name in line]


def _as_yaml(recipe: Recipe) -> str:
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False)


def _difference(recipe: Recipe, kept) -> str:
    # Its name, and what others reached, do not change a run.
    old, new = (
        r.model_dump(mode="json", exclude={"expected", "name"}) for r in (load_recipe(kept), recipe)
    )
    changed = [key for key in new if new[key] != old[key]]
    return ", ".join(f"{key} was {old[key]!r}, is {new[key]!r}" for key in changed)
