"""What every training has in common: the model, its precision, and `fit` that goes on."""

import contextlib
from collections.abc import Callable

import keras

from mirnet_keras.models import MODELS
from mirnet_keras.recipes import Recipe, RecipeError
from mirnet_keras.training.callbacks import KeepCheckpoint
from mirnet_keras.training.run_folder import RunFolder


def build(recipe: Recipe) -> keras.Model:
    """The recipe's network, with fresh weights."""
    try:
        return MODELS[recipe.network](**recipe.arguments, name=recipe.name)
    except (TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise RecipeError(
            f"`arguments` do not fit the network {recipe.network!r}: {reason}"
        ) from None


def fit(
    model: keras.Model,
    dataset: Callable,
    folder: RunFolder,
    steps: int,
    report_every: int,
    callbacks: list,
    verbose,
) -> None:
    """Fits a compiled model from where its run stopped up to `steps`.

    Args:
        model: compiled; takes the checkpoint's weights and optimizer where there is one.
        dataset: function of the first step that gives the data from there on.
        folder: of the run.
        steps: of the whole run.
        report_every: steps between log lines and checkpoints.
        callbacks: called before the log is written.
        verbose: as in Keras' `fit`.
    """
    done = folder.load_checkpoint(model)
    first = done // report_every
    folder.cut_log(first)
    if done >= steps:
        return
    with _log(folder) as log:
        model.fit(
            dataset(start=done),
            steps_per_epoch=report_every,
            initial_epoch=first,
            epochs=steps // report_every,
            callbacks=[*callbacks, log, KeepCheckpoint(folder)],
            shuffle=False,
            verbose=verbose,
        )


@contextlib.contextmanager
def _log(folder: RunFolder):
    """Keras' CSV log, closed also when training is interrupted."""
    log = keras.callbacks.CSVLogger(str(folder.log), append=True)
    try:
        yield log
    finally:
        if log.csv_file is not None:
            log.csv_file.close()


def compiles_with_xla() -> bool:
    """XLA where it helps: on JAX and on GPUs; on the CPU it makes bfloat16 several times slower."""
    if keras.backend.backend() != "tensorflow":
        return True
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))


@contextlib.contextmanager
def precision(policy: str):
    """Keras' dtype policy for a while."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
