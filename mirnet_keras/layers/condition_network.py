"""SFTGAN's condition network: class probabilities to condition maps."""

import keras

from mirnet_keras.layers.composite import Composite
from mirnet_keras.layers.convolution import convolution

SLOPE = 0.1
# He normal for the leaky ReLUs. PyTorch's narrower start leaves the maps almost flat over the
# image, and what attends to them with next to no gradient.
HE_NORMAL = {
    "class_name": "VarianceScaling",
    "config": {"scale": 2 / (1 + SLOPE**2), "mode": "fan_in", "distribution": "untruncated_normal"},
}


@keras.saving.register_keras_serializable("mirnet_keras")
class ConditionNetwork(Composite):
    """Condition maps on the small grid from class probabilities on the large one.

    A convolution of `scale` x `scale` with that stride, then four of 1 x 1: a condition value
    depends on its own patch of the probabilities only.

    SFTGAN (Wang et al., CVPR 2018), authors' code.

    Args:
        scale: int. The probabilities have `scale` times the size of the image.
        hidden: int. Channels of the four hidden maps.
        channels: int. Condition maps.

    Input shape: `(batch, scale * height, scale * width, classes)`, probabilities.
    Output shape: `(batch, height, width, channels)`.
    """

    def __init__(self, scale: int = 4, hidden: int = 128, channels: int = 32, **kwargs):
        super().__init__(**kwargs)
        self.scale = scale
        self.hidden = hidden
        self.channels = channels

    def build(self, input_shape):
        self.convolutions = [self._convolution(0, self.hidden, self.scale, strides=self.scale)]
        self.convolutions += [self._convolution(i, self.hidden, 1) for i in (1, 2, 3)]
        self.convolutions.append(self._convolution(4, self.channels, 1))
        self.activation = keras.layers.LeakyReLU(SLOPE, name="activation", dtype=self.dtype_policy)
        for layer in self.convolutions:
            layer.build(input_shape)
            input_shape = (*input_shape[:-1], layer.filters)

    def _convolution(self, index, filters, kernel_size, **options):
        return convolution(
            filters,
            kernel_size,
            padding="valid",
            use_bias=True,
            kernel_initializer=HE_NORMAL,
            name=f"convolution_{index}",
            dtype=self.dtype_policy,
            **options,
        )

    def call(self, inputs):
        x = inputs
        for layer in self.convolutions[:-1]:
            x = self.activation(layer(x))
        return self.convolutions[-1](x)

    def compute_output_shape(self, input_shape):
        batch, *sides, _ = input_shape
        height, width = (side and side // self.scale for side in sides)
        return (batch, height, width, self.channels)

    def get_config(self):
        config = {"scale": self.scale, "hidden": self.hidden, "channels": self.channels}
        return super().get_config() | config
