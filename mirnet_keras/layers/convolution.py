"""The convolutions that all networks are built from: the authors' initial values, no surprise."""

from typing import Any

import keras
from keras import ops

# PyTorch's default start for convolution and linear weights: uniform in +-1/sqrt(fan_in).
UNIFORM_FAN_IN = {
    "class_name": "VarianceScaling",
    "config": {"scale": 1 / 3, "mode": "fan_in", "distribution": "uniform"},
}


def convolution(filters: int, kernel_size: int = 3, **kwargs: Any) -> keras.layers.Conv2D:
    """A stride-1 convolution with zero padding, no bias unless asked, and PyTorch's start."""
    defaults = {"padding": "same", "use_bias": False, "kernel_initializer": UNIFORM_FAN_IN}
    return keras.layers.Conv2D(filters, kernel_size, **(defaults | kwargs))


def dense(units: int, **kwargs: Any) -> keras.layers.Dense:
    """A dense layer on pooled features: the papers' 1 x 1 convolution on a 1 x 1 map."""
    defaults = {"use_bias": False, "kernel_initializer": UNIFORM_FAN_IN}
    return keras.layers.Dense(units, **(defaults | kwargs))


@keras.saving.register_keras_serializable("mirnet_keras")
class GroupedConvolution(keras.layers.Layer):
    """A 3 x 3 convolution in `groups` independent groups of channels, zero padded.

    Equal to `keras.layers.Conv2D(groups=groups)`, which compiles itself with XLA on every
    device and is many times slower than the plain convolutions used here on a CPU.

    MIRNet-v2, authors' code (`nn.Conv2d(groups=...)`).

    Args:
        filters: int. Output channels, a multiple of `groups`.
        groups: int. The number of groups; the input channels are a multiple of it.
        use_bias: bool. Whether to add a bias.

    Input shape: `(batch, height, width, channels)`.
    Output shape: `(batch, height, width, filters)`.

    Raises:
        ValueError: when channels or filters are not multiples of `groups`.
    """

    def __init__(self, filters: int, groups: int = 1, use_bias: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.groups = groups
        self.use_bias = use_bias

    def build(self, input_shape):
        channels = input_shape[-1]
        if channels % self.groups or self.filters % self.groups:
            raise ValueError(
                f"Channels and `filters` must be multiples of `groups`. Received "
                f"groups={self.groups}, filters={self.filters}, channels={channels}. "
                "Choose widths that `groups` divides."
            )
        self.kernel = self.add_weight(
            name="kernel",
            shape=(3, 3, channels // self.groups, self.filters),
            initializer=keras.initializers.get(UNIFORM_FAN_IN),
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")

    def call(self, inputs):
        inputs = ops.split(inputs, self.groups, axis=-1)
        kernels = ops.split(ops.convert_to_tensor(self.kernel), self.groups, axis=-1)
        outputs = [ops.conv(x, k, padding="same") for x, k in zip(inputs, kernels, strict=True)]
        outputs = ops.concatenate(outputs, axis=-1) if self.groups > 1 else outputs[0]
        return outputs if self.bias is None else ops.add(outputs, self.bias)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.filters)

    def get_config(self):
        config = {"filters": self.filters, "groups": self.groups, "use_bias": self.use_bias}
        return super().get_config() | config
