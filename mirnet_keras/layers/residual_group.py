"""The groups of blocks of RCAN, HAN and SAN."""

import keras

from mirnet_keras.layers.convolution import convolution
from mirnet_keras.layers.residual_block import ResidualBlock
from mirnet_keras.layers.residual_channel_attention_block import ResidualChannelAttentionBlock
from mirnet_keras.layers.second_order_channel_attention import SecondOrderChannelAttention


@keras.saving.register_keras_serializable("mirnet_keras")
class ResidualGroup(keras.layers.Layer):
    """Channel attention blocks in series and a 3 x 3 convolution, added to the input (RG).

    RCAN (Zhang et al., ECCV 2018), "Residual in Residual".

    Args:
        blocks: int. Residual channel attention blocks.
        reduction: int. Of their channel attention.

    Input shape: `(batch, height, width, channels)`.
    Output shape: same as the input.
    """

    def __init__(self, blocks: int = 20, reduction: int = 16, **kwargs):
        super().__init__(**kwargs)
        self.number_of_blocks = blocks
        self.reduction = reduction

    def build(self, input_shape):
        policy = {"dtype": self.dtype_policy}
        self.blocks = [
            ResidualChannelAttentionBlock(self.reduction, name=f"block_{b}", **policy)
            for b in range(self.number_of_blocks)
        ]
        self.last = convolution(input_shape[-1], use_bias=True, name="last", **policy)
        for layer in (*self.blocks, self.last):
            layer.build(input_shape)

    def call(self, inputs):
        x = inputs
        for block in self.blocks:
            x = block(x)
        return self.last(x) + inputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        config = {"blocks": self.number_of_blocks, "reduction": self.reduction}
        return super().get_config() | config


@keras.saving.register_keras_serializable("mirnet_keras")
class LocalSourceResidualAttentionGroup(keras.layers.Layer):
    """Residual blocks in series, a second-order attention, a convolution, added to the input.

    SAN (Dai et al., CVPR 2019), "LSRAG".

    Args:
        blocks: int. Residual blocks.
        reduction: int. Of the attention.
        statistics_size: int or None. As in `SecondOrderChannelAttention`.

    Input shape: `(batch, height, width, channels)`.
    Output shape: same as the input.
    """

    def __init__(
        self,
        blocks: int = 10,
        reduction: int = 16,
        statistics_size: int | None = 1000,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.number_of_blocks = blocks
        self.reduction = reduction
        self.statistics_size = statistics_size

    def build(self, input_shape):
        policy = {"dtype": self.dtype_policy}
        self.blocks = [
            ResidualBlock(name=f"block_{b}", **policy) for b in range(self.number_of_blocks)
        ]
        self.attention = SecondOrderChannelAttention(
            self.reduction, self.statistics_size, name="attention", **policy
        )
        self.last = convolution(input_shape[-1], use_bias=True, name="last", **policy)
        for layer in (*self.blocks, self.attention, self.last):
            layer.build(input_shape)

    def call(self, inputs):
        x = inputs
        for block in self.blocks:
            x = block(x)
        return self.last(self.attention(x)) + inputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        config = {
            "blocks": self.number_of_blocks,
            "reduction": self.reduction,
            "statistics_size": self.statistics_size,
        }
        return super().get_config() | config
