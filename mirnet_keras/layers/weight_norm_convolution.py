"""Convolution with weight normalisation."""

import math
from typing import Any

import keras
from keras import ops

from mirnet_keras.layers.convolution import UNIFORM_FAN_IN


@keras.saving.register_keras_serializable("mirnet_keras")
class WeightNormConvolution(keras.layers.Layer):
    """A convolution whose kernel is a trained length times a trained direction.

    `kernel[..., o] = length[o] * direction[..., o] / |direction[..., o]|`, computed in float32
    under every precision policy. Every convolution of AWSRN is of this kind; Keras 3 has no
    weight normalisation of its own.

    AWSRN, authors' code (`torch.nn.utils.weight_norm`, dim 0, no epsilon).

    Args:
        filters: int. Output channels.
        kernel_size: int. Height and width of the kernel.
        activation: name or callable. Applied last.

    Input shape: `(batch, height, width, channels)`, zero padded.
    Output shape: `(batch, height, width, filters)`.

    Call arguments:
        scale: optional scalar that multiplies kernel and bias, which is cheaper than multiplying
            the output.
    """

    def __init__(self, filters: int, kernel_size: int = 3, activation=None, **kwargs):
        # Neither weights nor `scale` are cast on the way in: the kernel is computed in float32.
        super().__init__(autocast=False, **kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.activation = keras.activations.get(activation)

    def build(self, input_shape):
        shape = (self.kernel_size, self.kernel_size, input_shape[-1], self.filters)
        self.direction = self.add_weight(
            name="direction",
            shape=shape,
            initializer=keras.initializers.get(UNIFORM_FAN_IN),
            autocast=False,
        )
        self.length = self.add_weight(
            name="length",
            shape=(self.filters,),
            initializer=lambda shape, dtype: _norm(self.direction),
            autocast=False,
        )
        bound = math.prod(shape[:3]) ** -0.5
        self.bias = self.add_weight(
            name="bias",
            shape=(self.filters,),
            initializer=keras.initializers.RandomUniform(-bound, bound),
            autocast=False,
        )

    def kernel(self) -> Any:
        """The normalised kernel, `(height, width, in, out)`, float32."""
        return self.direction * (self.length / _norm(self.direction))

    def call(self, inputs, scale=1.0):
        kernel = ops.cast(self.kernel() * scale, self.compute_dtype)
        outputs = ops.conv(ops.cast(inputs, self.compute_dtype), kernel, padding="same")
        outputs = ops.add(outputs, ops.cast(self.bias * scale, self.compute_dtype))
        return self.activation(outputs)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.filters)

    def get_config(self):
        config = {
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "activation": keras.activations.serialize(self.activation),
        }
        return super().get_config() | config


def _norm(direction):
    return ops.sqrt(ops.sum(ops.square(direction), axis=(0, 1, 2)))
