"""The groups of blocks of RCAN, HAN and SAN."""

from typing import Any

import keras

from mirnet_keras.layers.residual_block import ResidualBlock
from mirnet_keras.layers.residual_channel_attention_block import ResidualChannelAttentionBlock
from mirnet_keras.layers.residual_series import ResidualSeries
from mirnet_keras.layers.second_order_channel_attention import SecondOrderChannelAttention


@keras.saving.register_keras_serializable("mirnet_keras")
class ResidualGroup(ResidualSeries):
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

    def _block(self, name):
        return ResidualChannelAttentionBlock(self.reduction, name=name, dtype=self.dtype_policy)

    def get_config(self):
        config = {"blocks": self.number_of_blocks, "reduction": self.reduction}
        return super().get_config() | config


@keras.saving.register_keras_serializable("mirnet_keras")
class LocalSourceResidualAttentionGroup(ResidualSeries):
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

    def _block(self, name):
        return ResidualBlock(name=name, dtype=self.dtype_policy)

    def build(self, input_shape):
        super().build(input_shape)
        self.attention = SecondOrderChannelAttention(
            self.reduction, self.statistics_size, name="attention", dtype=self.dtype_policy
        )
        self.attention.build(input_shape)

    def series(self, inputs: Any) -> Any:
        return self.attention(super().series(inputs))

    def get_config(self):
        config = {
            "blocks": self.number_of_blocks,
            "reduction": self.reduction,
            "statistics_size": self.statistics_size,
        }
        return super().get_config() | config
