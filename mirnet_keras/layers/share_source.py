"""SAN's share-source skip."""

import keras
from keras import ops

from mirnet_keras.layers.composite import Composite
from mirnet_keras.layers.convolution import convolution
from mirnet_keras.layers.scalar_weight import add_scalar


@keras.saving.register_keras_serializable("mirnet_keras")
class ShareSource(Composite):
    """The source that every group adds to its output, times a learned weight that starts at 0.

    SAN (Dai et al., CVPR 2019), "Non-locally enhanced residual group". The paper's weight is a
    1 x 1 convolution, the authors' code has one number.

    Args:
        by_channel: bool. Whether the weight is a convolution instead of a number.

    Input shape: `(batch, height, width, channels)`.
    Output shape: same as the input.
    """

    def __init__(self, by_channel: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.by_channel = by_channel

    def build(self, input_shape):
        if self.by_channel:
            self.weight = convolution(
                input_shape[-1],
                1,
                kernel_initializer="zeros",
                name="weight",
                dtype=self.dtype_policy,
            )
            self.weight.build(input_shape)
        else:
            self.weight = add_scalar(self, "weight", 0.0)

    def call(self, inputs):
        if self.by_channel:
            return self.weight(inputs)
        return inputs * ops.cast(self.weight, inputs.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return super().get_config() | {"by_channel": self.by_channel}
