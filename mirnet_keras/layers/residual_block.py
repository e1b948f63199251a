"""The plain residual block."""

import keras

from mirnet_keras.layers.composite import Composite
from mirnet_keras.layers.convolution import convolution


@keras.saving.register_keras_serializable("mirnet_keras")
class ResidualBlock(Composite):
    """Two 3 x 3 convolutions with a ReLU between them, added to the input.

    SAN (Dai et al., CVPR 2019), inside the local-source residual attention group.

    Input shape: `(batch, height, width, channels)`.
    Output shape: same as the input.
    """

    def build(self, input_shape):
        options = {"use_bias": True, "dtype": self.dtype_policy}
        channels = input_shape[-1]
        self.first = convolution(channels, activation="relu", name="first", **options)
        self.second = convolution(channels, name="second", **options)
        self.first.build(input_shape)
        self.second.build(input_shape)

    def call(self, inputs):
        return self.second(self.first(inputs)) + inputs

    def compute_output_shape(self, input_shape):
        return input_shape
