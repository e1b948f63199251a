"""What every training has in common: the model, its precision, and `fit` that goes on."""

import contextlib
import logging

import keras

from mirnet_keras import machine
from mirnet_keras.models import MODELS, RestorationModel
from mirnet_keras.recipes import Recipe, RecipeError, StageOptions
from mirnet_keras.training.callbacks import (
    KeepCheckpoint,
    StopEarly,
    Validate,
    WriteLog,
    trained_network,
)
from mirnet_keras.training.devices import same_on_all_hosts, wait_for_all_hosts
from mirnet_keras.training.report import write_report
from mirnet_keras.training.run_folder import RunFolder
from mirnet_keras.training.tensorboard_log import LogForTensorBoard, is_at_hand

_messages = logging.getLogger(__name__)


def build(recipe: Recipe) -> RestorationModel:
    """The recipe's network, with fresh weights."""
    if recipe.rematerialise and keras.backend.backend() != "jax":
        raise RecipeError("`rematerialise` needs the JAX backend: set KERAS_BACKEND=jax.")
    kept = keras.RematScope("full") if recipe.rematerialise else contextlib.nullcontext()
    try:
        with kept:
            return MODELS[recipe.network](**recipe.arguments, name=recipe.name)
    except (TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise RecipeError(
            f"`arguments` do not fit the network {recipe.network!r}: {reason}"
        ) from None


def check_fits(model: RestorationModel, stages: list[StageOptions], scale: int) -> None:
    """Looks whether a network can be trained on crops of some data.

    Args:
        model: the network.
        stages: with the crops, in pixels of the target.
        scale: how many times larger than the inputs the targets of the data are.

    Raises:
        RecipeError: when the network enlarges otherwise, or does not take crops of such a size.
    """
    if model.scale != scale:
        raise RecipeError(
            f"The network {model.network!r} enlarges {model.scale} times, the targets of the data "
            f"are {scale} times as large as their inputs: a network that enlarges takes data of "
            "the kind `super_resolution`, or `paired` with `scale`; another one those without."
        )
    grid = scale * model.multiple
    for stage in stages:
        if stage.crop % grid or stage.crop < scale * model.smallest:
            raise RecipeError(
                f"The network {model.network!r} cannot be trained on crops of {stage.crop} pixels: "
                f"`crop` must be a multiple of {grid}, and at least {scale * model.smallest}."
            )


def freeze(model: keras.Model, names: list[str]) -> None:
    """Keeps the named layers from being trained.

    Raises:
        RecipeError: for a layer that the network does not have.
    """
    known = [layer.name for layer in model.layers]
    for name in names:
        if name not in known:
            raise RecipeError(f"The network has no layer {name!r} to freeze. It has {known}.")
        model.get_layer(name).trainable = False


def validation(recipe: Recipe, folder: RunFolder, images, prior=None) -> list:
    """The callbacks that validate on `images`; none where that is None.

    Args:
        recipe: of the run.
        folder: of the run.
        images: whole pictures, or None.
        prior: as in `Validate`.
    """
    if images is None:
        return []
    every = recipe.validate_every // recipe.report_every
    callbacks: list = [Validate(images, recipe.protocol, every, folder, prior)]
    if is_at_hand():
        callbacks.append(LogForTensorBoard(images, every, recipe.report_every, folder, prior))
    return callbacks


def fit(
    model: keras.Model,
    data,
    folder: RunFolder,
    recipe: Recipe,
    steps: int,
    callbacks: list,
    verbose,
    patience: int | None = None,
) -> None:
    """Fits a compiled model from where its run stopped up to `steps`, and writes the report.

    Args:
        model: compiled; takes the checkpoint's weights and optimizer where there is one.
        data: `Batches` or the like: `batch(step)` gives inputs and targets of a step, and
            `dataset(start)` all from a step on.
        folder: of the run.
        recipe: of the run.
        steps: of the whole run, or of the recipe's second step.
        callbacks: called before the log is written.
        verbose: as in Keras' `fit`.
        patience: reports after the best validation with which it ends; None: none.
    """
    done = folder.load_checkpoint(model)
    if not same_on_all_hosts(done):
        raise RecipeError(
            f"The hosts do not see the same run: {folder.path} must be on a disk that they share."
        )
    if folder.last.exists():
        return
    first = done // recipe.report_every
    folder.cut_log(first)
    if not done:  # so there is always a last good state
        folder.save_checkpoint(model, 0)
    stopping = [] if patience is None else [StopEarly(folder, patience)]
    keep = KeepCheckpoint(folder, recipe.report_every, data.batch)
    with _reported(folder, recipe, steps), _log(folder) as logs:
        if done >= steps or any(callback.is_due for callback in stopping):
            return
        model.fit(
            data.dataset(start=done),
            steps_per_epoch=recipe.report_every,
            initial_epoch=first,
            epochs=steps // recipe.report_every,
            callbacks=[*callbacks, *stopping, *logs, keep],
            shuffle=False,
            verbose=verbose,
        )


def finish(model: keras.Model, folder: RunFolder) -> None:
    """Keeps the trained network, where it is not there yet."""
    if not folder.last.exists():
        with trained_network(model) as network:
            folder.save(network, folder.last)
    wait_for_all_hosts("the last model is written")


@contextlib.contextmanager
def _reported(folder: RunFolder, recipe: Recipe, steps: int):
    """Writes the report in any case, but what interrupted the run counts for more."""
    if not folder.writes:
        yield
        return
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            write_report(folder, recipe, steps)
        raise
    write_report(folder, recipe, steps)


@contextlib.contextmanager
def _log(folder: RunFolder):
    """The log, closed also when training is interrupted; nothing where another host writes."""
    if not folder.writes:
        yield []
        return
    log = WriteLog(str(folder.log), append=True)
    try:
        yield [log]
    finally:
        log.close()


def compiles_with_xla() -> bool:
    """XLA where it helps: on JAX and on GPUs; on the CPU it makes bfloat16 several times slower."""
    if keras.backend.backend() != "tensorflow":
        return True
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))


@contextlib.contextmanager
def precision(policy: str):
    """Keras' dtype policy for a while; says so where the machine is slow with it."""
    if policy == "mixed_bfloat16" and machine.lacks_bfloat16():
        _messages.warning(
            "This processor has no fast bfloat16: training takes about 15 times as long as in "
            "float32. Take `--precision float32`, or put `precision: float32` into the recipe."
        )
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
