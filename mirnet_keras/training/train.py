"""Training from a recipe."""

import pathlib

import keras

from mirnet_keras.data import (
    DEGRADATIONS,
    Batches,
    CleanImages,
    Images,
    PairedImages,
    SamplingPlan,
    Stage,
    SuperResolutionImages,
)
from mirnet_keras.files import write_whole
from mirnet_keras.losses import LOSSES
from mirnet_keras.presets import load
from mirnet_keras.recipes import (
    PairedData,
    Recipe,
    SuperResolutionData,
    load_recipe,
)
from mirnet_keras.training.callbacks import Validate, averaged_weights
from mirnet_keras.training.fitting import build, compiles_with_xla, fit, precision
from mirnet_keras.training.run_folder import RunFolder
from mirnet_keras.training.train_adversarially import first_step, train_adversarially
from mirnet_keras.weights import transfer_by_name


def train(recipe, out, data=".", verbose="auto") -> keras.Model:
    """Trains by a recipe; the same call goes on where an interrupted run stopped.

    Args:
        recipe: Name of a shipped recipe, path of a YAML file, or a `Recipe`.
        out: Folder of the run. It gets `recipe.yaml`, `log.csv`, the checkpoint, `best.keras`
            (by validation) and `last.keras`, both with averaged weights. A recipe with
            `adversarial` has its first step in `step_1/` there, and no averaged weights behind it.
        data: Folder against which the recipe's folders are read.
        verbose: As in `fit`: `"auto"`, 0 (silent), 1 (bar) or 2 (a line for each report).

    Returns:
        The trained model, float32, with averaged weights.

    Raises:
        RecipeError: for a recipe that does not fit itself, or the run in `out`.
        DataError: naming every picture that cannot be used.
        DivergenceError: when the loss becomes NaN.
    """
    recipe = load_recipe(recipe)
    if recipe.adversarial is not None:
        first = train(first_step(recipe), pathlib.Path(out) / "step_1", data, verbose)
        images = _validation_images(recipe, pathlib.Path(data))
        return train_adversarially(recipe, first, out, pathlib.Path(data), images, verbose)
    batches, validation = training_data(recipe, pathlib.Path(data))
    with precision(recipe.precision):
        keras.utils.set_random_seed(recipe.seed)
        model = build(recipe)
        if recipe.start_from:
            transfer_by_name(load(recipe.start_from), model)
        compile_model(model, recipe)
        folder = RunFolder(out, recipe)
        callbacks = _validate(recipe, folder, validation)
        fit(model, batches.dataset, folder, recipe.steps, recipe.report_every, callbacks, verbose)
        if not folder.last.exists():
            with averaged_weights(model):
                write_whole(folder.last, model.save)
    return load(folder.last)


def compile_model(model: keras.Model, recipe: Recipe) -> None:
    """Compiles `model` with the recipe's loss, schedule, clipping and averaging."""
    optimizer = keras.optimizers.Adam(
        _schedule(recipe),
        *recipe.betas,
        global_clipnorm=recipe.clip_norm,
        use_ema=recipe.ema > 0,
        ema_momentum=recipe.ema or 0.99,
    )
    model.compile(optimizer, LOSSES[recipe.loss](), jit_compile=compiles_with_xla())


def training_data(recipe: Recipe, root: pathlib.Path):
    """The recipe's batches, and its whole validation pictures or None."""
    smallest = max(stage.crop * stage.shrink for stage in recipe.stages)
    images, degrade = _training_images(recipe, root, smallest)
    stages = [Stage(**stage.model_dump()) for stage in recipe.stages]
    plan = SamplingPlan(images.sizes, stages, recipe.seed, grid=images.scale)
    return Batches(images, plan, recipe.mixup, degrade), _validation_images(recipe, root)


def _training_images(recipe: Recipe, root: pathlib.Path, crop: int):
    """The images to train on, and the degradation of the inputs or None."""
    data, budget = recipe.data, int(recipe.cache_gigabytes * 1e9)
    if isinstance(data, PairedData):
        return PairedImages(root / data.inputs, root / data.targets, crop, budget), None
    folders = [root / folder for folder in data.folders]
    if isinstance(data, SuperResolutionData):
        scale = recipe.arguments["scale"]
        return SuperResolutionImages(folders, scale, crop, budget, data.exclude), None
    return CleanImages(folders, crop, budget), DEGRADATIONS[data.degradation](**data.options)


def _validation_images(recipe: Recipe, root: pathlib.Path) -> Images | None:
    data = recipe.data
    if isinstance(data, SuperResolutionData):
        if data.validation is None:
            return None
        return SuperResolutionImages(root / data.validation, recipe.arguments["scale"])
    if data.validation_inputs is None or data.validation_targets is None:
        return None
    return PairedImages(root / data.validation_inputs, root / data.validation_targets)


def _validate(recipe: Recipe, folder: RunFolder, images: Images | None) -> list[Validate]:
    if images is None:
        return []
    every = recipe.validate_every // recipe.report_every
    return [Validate(images, recipe.protocol, every, folder)]


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
