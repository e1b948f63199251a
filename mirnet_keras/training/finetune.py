"""A trained network, trained further on a folder of one's own."""

import dataclasses
import json
import math
import os
import pathlib
from collections.abc import Callable

from mirnet_keras.data import (
    Batches,
    DataError,
    Images,
    PairedImages,
    SamplingPlan,
    Stage,
    SuperResolutionImages,
)
from mirnet_keras.files import write_whole
from mirnet_keras.presets import load
from mirnet_keras.recipes import (
    PairedData,
    Recipe,
    RecipeError,
    StageOptions,
    SuperResolutionData,
)
from mirnet_keras.training.callbacks import whole_picture_scores
from mirnet_keras.training.train import run

PAIRS = (("low", "high"), ("noisy", "clean"), ("inputs", "targets"))
HELD_OUT = 5  # every so many pictures one is not trained on
REPORT_EVERY, PATIENCE = 50, 5  # steps; reports without a better score after which it ends
LARGEST_CROP = 96


@dataclasses.dataclass(frozen=True)
class Part:
    """Some of the pictures of a data set.

    Args:
        images: `PairedImages` or the like.
        indices: of those that are meant.
    """

    images: Images
    indices: list[int]

    @property
    def scale(self) -> int:
        """Linear enlargement from input to target."""
        return self.images.scale

    @property
    def sizes(self) -> list:
        """(height, width) of each target."""
        return [self.images.sizes[index] for index in self.indices]

    @property
    def files(self) -> list[pathlib.Path]:
        """The files of the whole data set."""
        return self.images.files

    def __len__(self) -> int:
        return len(self.indices)

    def pair(self, index: int):
        """Input and target, whole."""
        return self.images.pair(self.indices[index])

    def degradation(self, index: int) -> Callable | None:
        """What is still to be done to each crop of the input."""
        return self.images.degradation(self.indices[index])


@dataclasses.dataclass(frozen=True)
class FineTuning:
    """What came of it, on the pictures that were held out.

    Attributes:
        model: path of the better one of both: `best.keras` of the run, or the preset.
        trained_on, held_out: numbers of pictures.
        protocol: of the scores.
        before, after: (PSNR in dB, SSIM), mean over the pictures.
    """

    model: str
    trained_on: int
    held_out: int
    protocol: str
    before: tuple[float, float]
    after: tuple[float, float]

    @property
    def improved(self) -> bool:
        """Whether the PSNR rose."""
        return self.after[0] > self.before[0]


def finetune(
    preset: str | os.PathLike,
    folder: str | os.PathLike,
    out: str | os.PathLike,
    steps: int = 2000,
    rate: float = 1e-4,
    frozen: tuple[str, ...] = (),
    verbose: str | int = "auto",
) -> FineTuning:
    """Trains a preset further on a folder; the same call goes on where it was interrupted.

    Every fifth picture is held out: by them the run is validated, it ends when they have not
    become better for 250 steps, and the result is compared with the preset on them.

    Args:
        preset: Preset name, folder or `.keras` file.
        folder: Sharp pictures (or `HR/` with them) for networks that enlarge; for others `low/`
            and `high/`, `noisy/` and `clean/`, or `inputs/` and `targets/`.
        out: Folder of the run, as `train` leaves it, with `before_after.json`.
        steps: At most, rounded down to a multiple of 50; no fewer than these.
        rate: Learning rate at the start: a tenth of that of a training from scratch.
        frozen: Names of layers that stay as they are.
        verbose: As in `fit`.

    Raises:
        DataError: for less than two pictures, and naming all that cannot be used.
        RecipeError: for a network that takes a segmentation, too, and for an unknown layer.
    """
    model = load(preset)
    if model.classes is not None:
        raise RecipeError(f"'{preset}' takes a segmentation beside the picture: use a recipe.")
    images, data = _images(pathlib.Path(folder), model.scale)
    training, held_out = split(images)
    recipe = _recipe(model, preset, data, training, steps, rate, frozen)
    stages = [Stage(**stage.model_dump()) for stage in recipe.stages]
    plan = SamplingPlan(training.sizes, stages, recipe.seed, grid=images.scale)
    run(recipe, out, Batches(training, plan), held_out, verbose, patience=PATIENCE)
    best = pathlib.Path(out) / "best.keras"
    before, after = (
        whole_picture_scores(network, held_out, recipe.protocol) for network in (model, load(best))
    )
    path = str(best) if after[0] > before[0] else str(preset)
    result = FineTuning(path, len(training), len(held_out), recipe.protocol, before, after)
    text = json.dumps(dataclasses.asdict(result) | {"improved": result.improved}, indent=2)
    write_whole(pathlib.Path(out) / "before_after.json", lambda file: file.write_text(text + "\n"))
    return result


def split(images: Images) -> tuple[Part, Part]:
    """The pictures to train on, and those that are held out: every fifth, at least one."""
    if len(images) < 2:
        raise DataError(
            "Fine-tuning needs two pictures at least, one of them to compare with. "
            f"Received {len(images)}."
        )
    held_out = list(range(HELD_OUT - 1, len(images), HELD_OUT)) or [len(images) - 1]
    training = sorted(set(range(len(images))) - set(held_out))
    return Part(images, training), Part(images, held_out)


def _images(folder: pathlib.Path, scale: int):
    """The pictures of a folder, and how a recipe names them."""
    if scale > 1:
        sharp = folder / "HR" if (folder / "HR").is_dir() else folder
        return SuperResolutionImages(sharp, scale), SuperResolutionData(folders=[str(sharp)])
    for first, second in PAIRS:
        if (folder / first).is_dir() and (folder / second).is_dir():
            inputs, targets = folder / first, folder / second
            data = PairedData(inputs=str(inputs), targets=str(targets))
            return PairedImages(inputs, targets), data
    known = ", or ".join(f"{first}/ and {second}/" for first, second in PAIRS)
    raise DataError(f"'{folder}' does not hold the folders {known}.")


def _recipe(model, preset, data, training: Part, steps: int, rate: float, frozen) -> Recipe:
    side = min(LARGEST_CROP, *(min(size) for size in training.sizes))
    grid = 8 * model.scale
    crop = side - side % grid
    if not crop:
        raise DataError(
            f"The smallest picture has a side of {side} pixels: at least {grid} are needed."
        )
    if not 0 < rate < math.inf:
        raise RecipeError(f"`rate` must be a number above 0. Received {rate}.")
    stage = StageOptions(steps=max(1, steps // REPORT_EVERY) * REPORT_EVERY, crop=crop, batch=8)
    return Recipe(
        name=model.name,
        network=model.network,
        arguments=model.arguments,
        data=data,
        stages=[stage],
        loss="l1" if model.scale > 1 else "charbonnier",
        rate=rate,
        warm_up=0,
        clip_norm=1.0,
        ema=0.98,
        precision="float32",
        start_from=str(preset),
        frozen=list(frozen),
        report_every=REPORT_EVERY,
        validate_every=REPORT_EVERY,
        protocol="classical-y" if model.scale > 1 else "rgb",
    )
