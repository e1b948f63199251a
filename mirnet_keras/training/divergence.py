"""Where numbers that are not finite come from."""

import math
import pathlib
from collections.abc import Callable, Iterable

import keras
import numpy as np
from keras import ops


class DivergenceError(RuntimeError):
    """Loss or weights became NaN or infinite; the last good checkpoint is kept."""


class StopAtNonFinite(keras.callbacks.Callback):
    """Stops an adversarial training in the step whose loss is not finite, and says where.

    Such a step changes no weight there; for others there is `first_bad_step`.

    Args:
        batch: function of a step that gives its inputs and targets.
        folder: of the run.
    """

    def __init__(self, batch: Callable, folder: pathlib.Path):
        super().__init__()
        self.batch = batch
        self.folder = folder

    def on_train_batch_end(self, batch, logs=None):
        """Keras' hook."""
        if math.isfinite(logs["loss"]) or self._loss_scale_falls():
            return
        if keras.backend.backend() == "jax":
            self.model.jax_state_sync()
        step = int(ops.convert_to_numpy(self.model.optimizer.iterations)) - 1
        raise diverged(self.model, self.batch, step, self.folder)

    def _loss_scale_falls(self) -> bool:
        """Under float16 an overflow only makes the loss scale smaller."""
        return isinstance(self.model.optimizer, keras.optimizers.LossScaleOptimizer)


def diverged(
    model: keras.Model, batch: Callable, step: int, folder: pathlib.Path
) -> DivergenceError:
    """The error for a step that is not finite, which names the first layer.

    Args:
        model: as it was before the step.
        batch: function of a step that gives its inputs and targets.
        step: its number.
        folder: of the run.
    """
    inputs, targets = batch(step)
    generator = getattr(model, "generator", None)
    if generator is None:
        where = first_non_finite_layer(model, inputs)
    else:
        where = first_non_finite_layer(generator, inputs)
        where = where or first_non_finite_layer(model.discriminator, targets)
    return DivergenceError(
        f"Step {step} is not finite, first in {where or 'the losses or their gradients'}. "
        + way_out(folder, in_second_step=generator is not None)
    )


def way_out(folder: pathlib.Path, in_second_step: bool = False) -> str:
    """What to do with a run that has diverged, in a sentence.

    Args:
        folder: of the run.
        in_second_step: whether it was training against a discriminator.
    """
    if in_second_step:
        return (
            "Lower the rates of `adversarial`, and train into a new folder with a copy of "
            f"{folder / 'step_1'} in it: so the first step is not trained again."
        )
    return (
        "Lower `rate` or set `clip_norm`, and train into a new folder with "
        f"`start_from: {folder}`: that takes the run's best.keras or, where there is "
        "none, the last good state in its checkpoint."
    )


def first_bad_step(model: keras.Model, batch: Callable, steps: Iterable[int]) -> int | None:
    """Trains step by step up to one that is not finite, and goes back before it.

    Args:
        model: compiled, on one device, as it was before the first of the steps.
        batch: function of a step that gives its inputs and targets.
        steps: numbers of steps.

    Returns:
        Its number, or None.
    """
    if model.steps_per_execution > 1:
        model.steps_per_execution = 1
        model.make_train_function(force=True)
    for step in steps:
        before = model.get_weights()
        logs = model.train_on_batch(*batch(step), return_dict=True)
        if not (math.isfinite(logs["loss"]) and has_finite_weights(model)):
            model.set_weights(before)
            return step
    return None


def has_finite_weights(model: keras.Model | keras.layers.Layer) -> bool:
    """Whether all weights of a model or layer are finite."""
    return all(np.isfinite(weight).all() for weight in model.get_weights())


def first_non_finite_layer(model: keras.Model, inputs) -> str | None:
    """The first layer of a functional model whose weights or outputs are not finite.

    Args:
        model: functional.
        inputs: as the model takes them.

    Returns:
        Its name and what is not finite, or None.
    """
    layers = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    for layer in layers:
        if not has_finite_weights(layer):
            return f"the weights of '{layer.name}'"
    outputs = keras.Model(model.input, [layer.output for layer in layers])(inputs)
    for layer, output in zip(layers, outputs, strict=True):
        for tensor in keras.tree.flatten(output):
            if not bool(ops.all(ops.isfinite(ops.cast(tensor, "float32")))):
                return f"the output of '{layer.name}'"
    return None
