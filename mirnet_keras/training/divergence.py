"""Where numbers that are not finite come from."""

import math
from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from mirnet_keras.training.callbacks import DivergenceError


class StopAtNonFinite(keras.callbacks.Callback):
    """Stops an adversarial training in the step whose loss is not finite, and says where.

    Args:
        batch: function of a step that gives its inputs, probabilities and targets.
    """

    def __init__(self, batch: Callable):
        super().__init__()
        self.batch = batch

    def on_train_batch_end(self, batch, logs=None):
        """Keras' hook."""
        if math.isfinite(logs["loss"]) or self._loss_scale_falls():
            return
        if keras.backend.backend() == "jax":
            self.model.jax_state_sync()
        step = int(ops.convert_to_numpy(self.model.optimizer.iterations)) - 1
        low, maps, high = self.batch(step)
        generator, discriminator = self.model.generator, self.model.discriminator
        inputs = low if generator.classes is None else [low, maps]
        where = first_non_finite_layer(generator, inputs)
        where = where or first_non_finite_layer(discriminator, high)
        raise DivergenceError(
            f"Step {step} is not finite, first in {where or 'the losses or their gradients'}. "
            "Lower the rates; the last good state is in the checkpoint."
        )

    def _loss_scale_falls(self) -> bool:
        """Under float16 an overflow only makes the loss scale smaller."""
        return isinstance(self.model.optimizer, keras.optimizers.LossScaleOptimizer)


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
        if not all(np.isfinite(weight).all() for weight in layer.get_weights()):
            return f"the weights of '{layer.name}'"
    outputs = keras.Model(model.input, [layer.output for layer in layers])(inputs)
    for layer, tensor in zip(layers, outputs, strict=True):
        if not bool(ops.all(ops.isfinite(ops.cast(tensor, "float32")))):
            return f"the output of '{layer.name}'"
    return None
