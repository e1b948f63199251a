"""MIRNet's dual attention unit."""

import keras
from keras import ops

from mirnet_keras.layers.attention_unit import AttentionUnit
from mirnet_keras.layers.channel_attention import ChannelAttention
from mirnet_keras.layers.convolution import convolution
from mirnet_keras.layers.scalar_prelu import ScalarPReLU
from mirnet_keras.layers.spatial_attention import SpatialAttention


@keras.saving.register_keras_serializable("mirnet_keras")
class DualAttentionUnit(AttentionUnit):
    """A residual unit whose features pass a spatial and a channel attention side by side (DAU).

    MIRNet (Zamir et al., ECCV 2020), "Dual Attention Unit".

    Args:
        reduction: int. Of the channel attention.
        activation: layer or None. The activation between the convolutions; None makes a
            `ScalarPReLU` of its own. The authors' code shares one in the whole network: hand the
            same layer to every unit.

    Input shape: `(batch, height, width, channels)`.
    Output shape: same as the input. With `return_attention=True` also a dictionary with the
        gates `spatial` and `channel`.
    """

    def __init__(self, reduction: int = 8, activation=None, **kwargs):
        super().__init__(**kwargs)
        self.reduction = reduction
        self.activation = activation

    def build(self, input_shape):
        channels = input_shape[-1]
        policy = {"dtype": self.dtype_policy}
        if self.activation is None:
            self.activation = ScalarPReLU(name="activation", **policy)
        self.first = convolution(channels, name="first", **policy)
        self.second = convolution(channels, name="second", **policy)
        self.spatial = SpatialAttention(name="spatial", **policy)
        self.channel = ChannelAttention(self.reduction, name="channel", **policy)
        self.merge = convolution(channels, 1, name="merge", **policy)
        for layer in (self.first, self.second, self.spatial, self.channel):
            layer.build(input_shape)
        if not self.activation.built:
            self.activation.build(input_shape)
        self.merge.build((*input_shape[:-1], 2 * channels))

    def call(self, inputs, return_attention=False):
        features = self.second(self.activation(self.first(inputs)))
        spatial, spatial_gate = self.spatial(features, return_attention=True)
        channel, channel_gate = self.channel(features, return_attention=True)
        outputs = self.merge(ops.concatenate([spatial, channel], axis=-1)) + inputs
        gates = {"spatial": spatial_gate, "channel": channel_gate}
        return (outputs, gates) if return_attention else outputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        activation = keras.saving.serialize_keras_object(self.activation)
        return super().get_config() | {"reduction": self.reduction, "activation": activation}

    @classmethod
    def from_config(cls, config):
        activation = keras.saving.deserialize_keras_object(config["activation"])
        return super().from_config(config | {"activation": activation})
