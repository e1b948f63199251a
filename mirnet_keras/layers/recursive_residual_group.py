"""MIRNet's recursive residual group."""

import keras

from mirnet_keras.layers.multi_scale_residual_block import MultiScaleResidualBlock
from mirnet_keras.layers.multi_scale_residual_block_v2 import MultiScaleResidualBlockV2
from mirnet_keras.layers.residual_series import ResidualSeries


@keras.saving.register_keras_serializable("mirnet_keras")
class RecursiveResidualGroup(ResidualSeries):
    """Multi-scale residual blocks in series and a 3 x 3 convolution, plus the input (RRG).

    MIRNet (Zamir et al., ECCV 2020), Figure 1 (a). The last convolution never has a bias.

    Args:
        blocks: int. Multi-scale residual blocks in series.
        rows, columns, activation, share_columns, use_bias: see `MultiScaleResidualBlock`.

    Input shape: `(batch, height, width, channels)`.
    Output shape: same as the input.
    """

    last_bias = False

    def __init__(
        self,
        blocks: int = 2,
        rows: int = 3,
        columns: int = 2,
        activation=None,
        share_columns: bool = True,
        use_bias: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.number_of_blocks = blocks
        self.rows = rows
        self.columns = columns
        self.activation = activation
        self.share_columns = share_columns
        self.use_bias = use_bias

    def _block(self, name):
        return MultiScaleResidualBlock(
            rows=self.rows,
            columns=self.columns,
            activation=self.activation,
            share_columns=self.share_columns,
            use_bias=self.use_bias,
            name=name,
            dtype=self.dtype_policy,
        )

    def get_config(self):
        config = {
            "blocks": self.number_of_blocks,
            "rows": self.rows,
            "columns": self.columns,
            "activation": keras.saving.serialize_keras_object(self.activation),
            "share_columns": self.share_columns,
            "use_bias": self.use_bias,
        }
        return super().get_config() | config

    @classmethod
    def from_config(cls, config):
        activation = keras.saving.deserialize_keras_object(config["activation"])
        return super().from_config(config | {"activation": activation})


@keras.saving.register_keras_serializable("mirnet_keras")
class RecursiveResidualGroupV2(ResidualSeries):
    """MIRNet-v2's blocks in series and a 3 x 3 convolution, plus the input (RRG).

    MIRNet-v2 (Zamir et al., TPAMI 2022).

    Args:
        blocks: int. Multi-scale residual blocks in series.
        channel_factor, groups, use_bias: see `MultiScaleResidualBlockV2`.

    Input shape: `(batch, height, width, channels)`.
    Output shape: same as the input.
    """

    def __init__(
        self,
        blocks: int = 2,
        channel_factor: float = 1.5,
        groups: int = 1,
        use_bias: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.number_of_blocks = blocks
        self.channel_factor = channel_factor
        self.groups = groups
        self.use_bias = self.last_bias = use_bias

    def _block(self, name):
        return MultiScaleResidualBlockV2(
            channel_factor=self.channel_factor,
            groups=self.groups,
            use_bias=self.use_bias,
            name=name,
            dtype=self.dtype_policy,
        )

    def get_config(self):
        config = {
            "blocks": self.number_of_blocks,
            "channel_factor": self.channel_factor,
            "groups": self.groups,
            "use_bias": self.use_bias,
        }
        return super().get_config() | config
