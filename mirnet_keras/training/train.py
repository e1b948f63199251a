"""Training from a recipe."""

import os
import pathlib

import keras

from mirnet_keras.data import (
    DEGRADATIONS,
    Batches,
    CleanImages,
    Images,
    MixedImages,
    PairedImages,
    SamplingPlan,
    Stage,
    SuperResolutionImages,
)
from mirnet_keras.presets import load
from mirnet_keras.recipes import (
    MixedData,
    PairedData,
    Recipe,
    RecipeError,
    SuperResolutionData,
    load_recipe,
)
from mirnet_keras.training.devices import distributed, this_host
from mirnet_keras.training.fingerprint import fingerprint
from mirnet_keras.training.fitting import (
    build,
    check_fits,
    compiles_with_xla,
    finish,
    fit,
    freeze,
    precision,
    validation,
)
from mirnet_keras.training.recipe_loss import recipe_loss
from mirnet_keras.training.run_folder import RunFolder
from mirnet_keras.training.start import start_from
from mirnet_keras.training.train_adversarially import (
    check_second_step,
    first_step,
    train_adversarially,
)


def train(
    recipe: Recipe | str | os.PathLike,
    out: str | os.PathLike,
    data: str | os.PathLike = ".",
    verbose: str | int = "auto",
    all_devices: bool = False,
) -> keras.Model:
    """Trains by a recipe; the same call goes on where an interrupted run stopped.

    Args:
        recipe: Name of a shipped recipe, path of a YAML file, or a `Recipe`.
        out: Folder of the run. It gets `recipe.yaml`, `data.yaml`, `log.csv`, the checkpoint,
            `best.keras` (by validation) and `last.keras`, both with averaged weights, and
            `report.md`, `report.json` and `curve.png`; where TensorBoard is installed and there
            are pictures to validate on, `tensorboard/`. A recipe with `adversarial` has its first
            step in `step_1/` there, and no averaged weights behind it.
        data: Folder against which the recipe's folders are read.
        verbose: As in `fit`: `"auto"`, 0 (silent), 1 (bar) or 2 (a line for each report).
        all_devices: Whether all GPUs of this machine share each batch. Several hosts, which
            `join_hosts` brought together, share it in any case, and all of theirs; `out` must
            then be on a disk that all of them see.

    Returns:
        The trained model, float32, with averaged weights.

    Raises:
        RecipeError: for a recipe that does not fit itself or the run in `out`, and for training
            pictures that are not those of that run.
        DataError: naming every picture that cannot be used.
        DivergenceError: when the loss becomes NaN.
    """
    recipe = load_recipe(recipe)
    if recipe.adversarial is not None:
        if this_host()[1] > 1:
            raise RecipeError("A recipe with `adversarial` trains on one host: leave --hosts out.")
        check_second_step(recipe, pathlib.Path(data), out)
        # What is expected of a recipe in two steps is that of the second.
        plan = first_step(recipe).model_copy(update={"expected": None})
        first = train(plan, pathlib.Path(out) / "step_1", data, verbose, all_devices)
        images = _validation_images(recipe, pathlib.Path(data))
        return train_adversarially(
            recipe, first, out, pathlib.Path(data), images, verbose, all_devices
        )
    root = pathlib.Path(data)
    batches, images = training_data(recipe, root)
    return run(recipe, out, batches, images, verbose, all_devices, root=root)


def run(
    recipe: Recipe,
    out,
    batches: Batches,
    images: Images | None,
    verbose="auto",
    all_devices: bool = False,
    patience: int | None = None,
    root: pathlib.Path = pathlib.Path("."),
) -> keras.Model:
    """Trains by a recipe of one step on batches that are there; arguments else as in `train`.

    Args:
        batches: to train on.
        images: whole pictures to validate on, or None.
        patience: reports after the best validation with which it ends; None: none.
        root: folder that the paths in the recipe are relative to.
    """
    if all_devices and recipe.accumulate > 1 and keras.backend.backend() == "tensorflow":
        raise RecipeError("`accumulate` does not go with several devices on TensorFlow: use JAX.")
    with precision(recipe.precision), distributed(all_devices) as scope:
        keras.utils.set_random_seed(recipe.seed)
        with scope():
            model = build(recipe)
            check_fits(model, recipe.stages, batches.images.scale)
            if recipe.start_from:
                start_from(recipe.start_from, model)
            freeze(model, recipe.frozen)
            compile_model(model, recipe, root)
            model.optimizer.build(model.trainable_variables)
        pictures = fingerprint(batches.images.files)
        folder = RunFolder(out, recipe, writes=this_host()[0] == 0, pictures=pictures)
        watching = validation(recipe, folder, images)
        fit(model, batches, folder, recipe, recipe.steps, watching, verbose, patience)
        finish(model, folder)
    return load(folder.last)


def compile_model(model: keras.Model, recipe: Recipe, root: str | os.PathLike = ".") -> None:
    """Compile `model` with the recipe's loss, schedule, clipping and averaging.

    Args:
        model: The network to train.
        recipe: Recipe of the run.
        root: Folder that the paths in the recipe are relative to.
    """
    optimizer = keras.optimizers.Adam(
        _schedule(recipe),
        *recipe.betas,
        global_clipnorm=recipe.clip_norm,
        use_ema=recipe.ema > 0,
        ema_momentum=recipe.ema or 0.99,
        gradient_accumulation_steps=recipe.accumulate if recipe.accumulate > 1 else None,
    )
    model.compile(
        optimizer,
        recipe_loss(recipe, pathlib.Path(root)),
        jit_compile=compiles_with_xla(),
        steps_per_execution=recipe.steps_per_execution,
    )


def training_data(recipe: Recipe, root: pathlib.Path):
    """The recipe's batches, and its whole validation pictures or None."""
    smallest = max(stage.crop * stage.shrink for stage in recipe.stages)
    images = _training_images(recipe.data, recipe, root, smallest)
    stages = [Stage(**stage.model_dump()) for stage in recipe.stages]
    host, hosts = this_host()
    plan = SamplingPlan(
        images.sizes, stages, recipe.seed, grid=images.scale, host=host, hosts=hosts
    )
    return Batches(images, plan, recipe.mixup), _validation_images(recipe, root)


def _training_images(data, recipe: Recipe, root: pathlib.Path, crop: int) -> Images:
    """The images of `data`, the recipe's or one of its sources."""
    budget = int(recipe.cache_gigabytes * 1e9)
    if isinstance(data, MixedData):
        sources = [_training_images(source, recipe, root, crop) for source in data.sources]
        return MixedImages(sources, data.repeats)
    if isinstance(data, PairedData):
        inputs, targets = root / data.inputs, root / data.targets
        return PairedImages(inputs, targets, crop, budget, data.scale, data.exclude)
    folders = [root / folder for folder in data.folders]
    if isinstance(data, SuperResolutionData):
        scale = recipe.arguments["scale"]
        return SuperResolutionImages(folders, scale, crop, budget, data.exclude)
    degradation = DEGRADATIONS[data.degradation](**data.options)
    return CleanImages(folders, crop, budget, degradation, data.exclude)


def _validation_images(recipe: Recipe, root: pathlib.Path) -> Images | None:
    data = recipe.data
    if isinstance(data, SuperResolutionData):
        if data.validation is None:
            return None
        return SuperResolutionImages(root / data.validation, recipe.arguments["scale"])
    if data.validation_inputs is None or data.validation_targets is None:
        return None
    return PairedImages(
        root / data.validation_inputs, root / data.validation_targets, scale=data.scale
    )


def _schedule(recipe: Recipe):
    if recipe.schedule == "step":
        return keras.optimizers.schedules.ExponentialDecay(
            recipe.rate, recipe.decay_every, recipe.decay, staircase=True
        )
    return keras.optimizers.schedules.CosineDecay(
        # Not 0, or the first step would do nothing.
        initial_learning_rate=recipe.rate / recipe.warm_up if recipe.warm_up else recipe.rate,
        decay_steps=recipe.steps - recipe.warm_up,
        alpha=recipe.final_rate / recipe.rate,
        warmup_target=recipe.rate if recipe.warm_up else None,
        warmup_steps=recipe.warm_up,
    )
