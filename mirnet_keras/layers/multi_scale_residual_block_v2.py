"""MIRNet-v2's multi-scale residual block."""

import keras

from mirnet_keras.layers.bilinear_enlargement import BilinearEnlargement
from mirnet_keras.layers.composite import Composite
from mirnet_keras.layers.convolution import convolution
from mirnet_keras.layers.residual_contextual_block import ResidualContextualBlock
from mirnet_keras.layers.selective_kernel_fusion import SelectiveKernelFusion


@keras.saving.register_keras_serializable("mirnet_keras")
class MeanDownsampling(keras.layers.Layer):
    """Halves the size by 2 x 2 means, then changes the channels by a 1 x 1 convolution.

    MIRNet-v2, authors' code (`Down`).

    Args:
        filters: int. Output channels.

    Input shape: `(batch, height, width, channels)`, even sides.
    Output shape: `(batch, height / 2, width / 2, filters)`.
    """

    def __init__(self, filters: int, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters

    def build(self, input_shape):
        policy = {"dtype": self.dtype_policy}
        self.pool = keras.layers.AveragePooling2D(2, name="pool", **policy)
        self.widen = convolution(self.filters, 1, name="widen", **policy)
        self.pool.build(input_shape)
        self.widen.build(input_shape)

    def call(self, inputs):
        return self.widen(self.pool(inputs))

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        return (batch, height and height // 2, width and width // 2, self.filters)

    def get_config(self):
        return super().get_config() | {"filters": self.filters}


@keras.saving.register_keras_serializable("mirnet_keras")
class MultiScaleResidualBlockV2(Composite):
    """Three resolutions, fused from coarse to fine, twice (MIRNet-v2's MRB).

    MIRNet-v2 (Zamir et al., TPAMI 2022). Authors' code: both passes use the same contextual
    blocks and fusions, but enlargements of their own.

    Args:
        channel_factor: float. Channels of a row over those of the row above, rounded down.
        groups: int. Groups of the convolutions in the contextual blocks.
        use_bias: bool. Whether the convolutions have biases (never in fusion and resizing).

    Input shape: `(batch, height, width, channels)`, sides multiples of 4.
    Output shape: same as the input.
    """

    def __init__(
        self, channel_factor: float = 1.5, groups: int = 1, use_bias: bool = False, **kwargs
    ):
        super().__init__(**kwargs)
        self.channel_factor = channel_factor
        self.groups = groups
        self.use_bias = use_bias

    def build(self, input_shape):
        policy = {"dtype": self.dtype_policy}
        top, middle, bottom = (
            (None, None, None, int(input_shape[-1] * self.channel_factor**r)) for r in range(3)
        )
        self._build_resizing(top, middle, bottom, policy)
        self.blocks, self.fusion = {}, {}
        for name, shape in (("top", top), ("middle", middle), ("bottom", bottom)):
            self.blocks[name] = ResidualContextualBlock(
                self.groups, use_bias=self.use_bias, name=f"block_{name}", **policy
            )
            self.blocks[name].build(shape)
            if name != "bottom":
                self.fusion[name] = SelectiveKernelFusion(
                    slope=0.2, name=f"fusion_{name}", **policy
                )
                self.fusion[name].build([shape, shape])
        self.last = convolution(top[-1], 1, use_bias=self.use_bias, name="last", **policy)
        self.last.build(top)

    def _build_resizing(self, top, middle, bottom, policy):
        self.to_middle = MeanDownsampling(middle[-1], name="to_middle", **policy)
        self.to_bottom = [
            MeanDownsampling(shape[-1], name=f"to_bottom_{step}", **policy)
            for step, shape in enumerate((middle, bottom))
        ]
        self.to_middle.build(top)
        self.to_bottom[0].build(top)
        self.to_bottom[1].build(middle)
        self.bottom_up, self.middle_up = [], []
        for column in range(2):
            self.bottom_up.append(
                BilinearEnlargement(middle[-1], name=f"bottom_up_{column}", **policy)
            )
            self.bottom_up[-1].build(bottom)
            self.middle_up.append(
                BilinearEnlargement(top[-1], name=f"middle_up_{column}", **policy)
            )
            self.middle_up[-1].build(middle)

    def call(self, inputs):
        top, middle = inputs, self.to_middle(inputs)
        bottom = self.to_bottom[1](self.to_bottom[0](inputs))
        for column in range(2):
            top = self.blocks["top"](top)
            middle = self.blocks["middle"](middle)
            bottom = self.blocks["bottom"](bottom)
            middle = self.fusion["middle"]([middle, self.bottom_up[column](bottom)])
            top = self.fusion["top"]([top, self.middle_up[column](middle)])
        return self.last(top) + inputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        config = {
            "channel_factor": self.channel_factor,
            "groups": self.groups,
            "use_bias": self.use_bias,
        }
        return super().get_config() | config
