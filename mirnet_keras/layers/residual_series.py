"""What the residual groups of MIRNet, RCAN, HAN and SAN have in common."""

from typing import Any

from mirnet_keras.layers.composite import Composite
from mirnet_keras.layers.convolution import convolution


class ResidualSeries(Composite):
    """Blocks in series and a 3 x 3 convolution, added to the input.

    Subclasses have `number_of_blocks`, and `_block(name)`, which makes one.

    Input shape: `(batch, height, width, channels)`.
    Output shape: same as the input.
    """

    last_bias = True  # whether the convolution behind the blocks has a bias

    def build(self, input_shape):
        self.blocks = [self._block(f"block_{b}") for b in range(self.number_of_blocks)]
        for block in self.blocks:
            block.build(input_shape)
        self.last = convolution(
            input_shape[-1], use_bias=self.last_bias, name="last", dtype=self.dtype_policy
        )
        self.last.build(input_shape)

    def series(self, inputs: Any) -> Any:
        """The blocks, one after the other."""
        x = inputs
        for block in self.blocks:
            x = block(x)
        return x

    def call(self, inputs):
        return self.last(self.series(inputs)) + inputs

    def compute_output_shape(self, input_shape):
        return input_shape
