"""Training from a recipe."""

import contextlib
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
from mirnet_keras.models import MODELS
from mirnet_keras.presets import load
from mirnet_keras.recipes import (
    PairedData,
    Recipe,
    RecipeError,
    SuperResolutionData,
    load_recipe,
)
from mirnet_keras.training.callbacks import KeepCheckpoint, Validate, averaged_weights
from mirnet_keras.training.run_folder import RunFolder
from mirnet_keras.weights import transfer_by_name


def train(recipe, out, data=".", verbose="auto") -> keras.Model:
    """Trains by a recipe; the same call goes on where an interrupted run stopped.

    Args:
        recipe: Name of a shipped recipe, path of a YAML file, or a `Recipe`.
        out: Folder of the run. It gets `recipe.yaml`, `log.csv`, the checkpoint, `best.keras`
            (by validation) and `last.keras`, both with averaged weights.
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
    batches, validation = training_data(recipe, pathlib.Path(data))
    with _precision(recipe.precision):
        keras.utils.set_random_seed(recipe.seed)
        model = _build(recipe)
        if recipe.start_from:
            transfer_by_name(load(recipe.start_from), model)
        compile_model(model, recipe)
        folder = RunFolder(out, recipe)
        done = folder.load_checkpoint(model)
        first = done // recipe.report_every
        folder.cut_log(first)
        if done < recipe.steps:
            with _log(folder) as log:
                model.fit(
                    batches.dataset(start=done),
                    steps_per_epoch=recipe.report_every,
                    initial_epoch=first,
                    epochs=recipe.steps // recipe.report_every,
                    callbacks=[*_validate(recipe, folder, validation), log, KeepCheckpoint(folder)],
                    shuffle=False,
                    verbose=verbose,
                )
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
    model.compile(optimizer, LOSSES[recipe.loss](), jit_compile=_jit_compile())


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


def _build(recipe: Recipe) -> keras.Model:
    try:
        return MODELS[recipe.network](**recipe.arguments, name=recipe.name)
    except (TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise RecipeError(
            f"`arguments` do not fit the network {recipe.network!r}: {reason}"
        ) from None


def _validate(recipe: Recipe, folder: RunFolder, images: Images | None) -> list[Validate]:
    if images is None:
        return []
    every = recipe.validate_every // recipe.report_every
    return [Validate(images, recipe.protocol, every, folder)]


@contextlib.contextmanager
def _log(folder: RunFolder):
    """Keras' CSV log, closed also when training is interrupted."""
    log = keras.callbacks.CSVLogger(str(folder.log), append=True)
    try:
        yield log
    finally:
        if log.csv_file is not None:
            log.csv_file.close()


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


def _jit_compile() -> bool:
    """XLA where it helps: on JAX and on GPUs; on the CPU it makes bfloat16 several times slower."""
    if keras.backend.backend() != "tensorflow":
        return True
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))


@contextlib.contextmanager
def _precision(policy: str):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
