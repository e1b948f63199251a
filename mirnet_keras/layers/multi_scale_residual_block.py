"""MIRNet's multi-scale residual block."""

import keras

from mirnet_keras.layers.composite import Composite
from mirnet_keras.layers.convolution import convolution
from mirnet_keras.layers.dual_attention_unit import DualAttentionUnit
from mirnet_keras.layers.residual_resizing import (
    ResidualDownsamplingChain,
    ResidualUpsamplingChain,
)
from mirnet_keras.layers.selective_kernel_fusion import SelectiveKernelFusion


@keras.saving.register_keras_serializable("mirnet_keras")
class MultiScaleResidualBlock(Composite):
    """Parallel rows of full, half, quarter ... resolution that exchange features (MRB).

    Row `r` has `channels * 2 ** r` channels. In each column every row passes its attention unit;
    between columns every row is fused from all rows, resized to it; at the end all rows are
    fused at full resolution.

    MIRNet (Zamir et al., ECCV 2020), Figure 1 (b). Authors' code: the columns of a row share
    their attention unit, and resizing and fusion modules are the same in every column.

    Args:
        rows: int. Parallel resolutions.
        columns: int. Attention units that each row passes.
        activation: layer or None. Handed to every `DualAttentionUnit`.
        share_columns: bool. False gives every column attention units of its own, as the paper's
            figure may be read.
        use_bias: bool. Whether the last convolution has a bias.

    Input shape: `(batch, height, width, channels)`, sides multiples of `2 ** (rows - 1)`.
    Output shape: same as the input.
    """

    def __init__(
        self,
        rows: int = 3,
        columns: int = 2,
        activation=None,
        share_columns: bool = True,
        use_bias: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.rows = rows
        self.columns = columns
        self.activation = activation
        self.share_columns = share_columns
        self.use_bias = use_bias

    def build(self, input_shape):
        channels = input_shape[-1]
        policy = {"dtype": self.dtype_policy}
        self.row_shapes = [(None, None, None, channels * 2**r) for r in range(self.rows)]
        self.units = [
            DualAttentionUnit(activation=self.activation, name=f"unit_{r}_{c}", **policy)
            for r in range(self.rows)
            for c in range(1 if self.share_columns else self.columns)
        ]
        units_per_row = len(self.units) // self.rows
        for number, unit in enumerate(self.units):
            unit.build(self.row_shapes[number // units_per_row])
        self._build_resizing(policy)
        self._build_fusion(policy)
        self.last = convolution(channels, use_bias=self.use_bias, name="last", **policy)
        self.last.build(input_shape)

    def _build_resizing(self, policy):
        exchange = self.columns > 1
        self.down, self.up, self.last_up = {}, {}, {}
        for source in range(self.rows):
            for target in range(self.rows):
                if target == source + 1 or (target > source and exchange):
                    self.down[f"{source}_{target}"] = ResidualDownsamplingChain(
                        target - source, name=f"down_{source}_{target}", **policy
                    )
                elif target < source and exchange:
                    self.up[f"{source}_{target}"] = ResidualUpsamplingChain(
                        source - target, name=f"up_{source}_{target}", **policy
                    )
            if source > 0:
                self.last_up[f"{source}_0"] = ResidualUpsamplingChain(
                    source, name=f"last_up_{source}_0", **policy
                )
        for modules in (self.down, self.up, self.last_up):
            for key, module in modules.items():
                module.build(self.row_shapes[int(key.split("_")[0])])

    def _build_fusion(self, policy):
        fused_rows = self.rows if self.columns > 1 else 1
        self.fusion = [
            SelectiveKernelFusion(name=f"fusion_{r}", **policy) for r in range(fused_rows)
        ]
        for shape, fusion in zip(self.row_shapes, self.fusion, strict=False):
            fusion.build([shape] * self.rows)

    def unit(self, row: int, column: int) -> DualAttentionUnit:
        """The attention unit of a row and column."""
        return self.units[row if self.share_columns else row * self.columns + column]

    def call(self, inputs):
        features = [self.unit(0, 0)(inputs)]
        for r in range(1, self.rows):
            lower = self.down[f"{r - 1}_{r}"](features[-1])
            features.append(self.unit(r, 0)(lower))
        for c in range(1, self.columns):
            fused = [self._fuse(features, target) for target in range(self.rows)]
            features = [self.unit(r, c)(x) for r, x in enumerate(fused)]
        enlarged = [self.last_up[f"{r}_0"](x) for r, x in enumerate(features) if r > 0]
        return self.last(self.fusion[0]([features[0], *enlarged])) + inputs

    def _fuse(self, features, target: int):
        """All rows, resized to row `target` and fused there."""
        resized = []
        for source, x in enumerate(features):
            if source > target:
                x = self.up[f"{source}_{target}"](x)
            elif source < target:
                x = self.down[f"{source}_{target}"](x)
            resized.append(x)
        return self.fusion[target](resized)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        config = {
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
