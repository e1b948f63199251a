"""MIRNet-v2's residual contextual block."""

import keras

from mirnet_keras.layers.composite import Composite
from mirnet_keras.layers.convolution import GroupedConvolution, convolution
from mirnet_keras.layers.global_context import GlobalContext


@keras.saving.register_keras_serializable("mirnet_keras")
class ResidualContextualBlock(Composite):
    """Two convolutions and a global context in a residual unit (RCB).

    MIRNet-v2 (Zamir et al., TPAMI 2022), "Residual Contextual Block".

    Args:
        groups: int. Groups of both convolutions.
        slope: float. Slope of the leaky ReLUs.
        use_bias: bool. Whether the convolutions have biases.

    Input shape: `(batch, height, width, channels)`, channels a multiple of `groups`.
    Output shape: same as the input.
    """

    def __init__(self, groups: int = 1, slope: float = 0.2, use_bias: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.groups = groups
        self.slope = slope
        self.use_bias = use_bias

    def build(self, input_shape):
        options = {"use_bias": self.use_bias, "dtype": self.dtype_policy}
        channels = input_shape[-1]
        self.first = self._convolution(channels, name="first", **options)
        self.second = self._convolution(channels, name="second", **options)
        self.context = GlobalContext(self.slope, name="context", **options)
        self.activation = keras.layers.LeakyReLU(
            self.slope, name="activation", dtype=self.dtype_policy
        )
        for layer in (self.first, self.second, self.context, self.activation):
            layer.build(input_shape)

    def _convolution(self, channels, **options):
        if self.groups == 1:
            return convolution(channels, **options)
        return GroupedConvolution(channels, self.groups, **options)

    def call(self, inputs):
        features = self.second(self.activation(self.first(inputs)))
        return self.activation(self.context(features)) + inputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        config = {"groups": self.groups, "slope": self.slope, "use_bias": self.use_bias}
        return super().get_config() | config
