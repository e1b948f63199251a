"""RCAN's block."""

import keras

from mirnet_keras.layers.channel_attention import ChannelAttention
from mirnet_keras.layers.composite import Composite
from mirnet_keras.layers.convolution import convolution


@keras.saving.register_keras_serializable("mirnet_keras")
class ResidualChannelAttentionBlock(Composite):
    """Two 3 x 3 convolutions and a channel attention, added to the input (RCAB).

    RCAN (Zhang et al., ECCV 2018), "Channel Attention".

    Args:
        reduction: int. Of the channel attention.

    Input shape: `(batch, height, width, channels)`.
    Output shape: same as the input.
    """

    def __init__(self, reduction: int = 16, **kwargs):
        super().__init__(**kwargs)
        self.reduction = reduction

    def build(self, input_shape):
        options = {"use_bias": True, "dtype": self.dtype_policy}
        channels = input_shape[-1]
        self.first = convolution(channels, activation="relu", name="first", **options)
        self.second = convolution(channels, name="second", **options)
        self.channel = ChannelAttention(self.reduction, name="channel", **options)
        for layer in (self.first, self.second, self.channel):
            layer.build(input_shape)

    def call(self, inputs):
        return self.channel(self.second(self.first(inputs))) + inputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return super().get_config() | {"reduction": self.reduction}
