"""Pixel shuffle: channels become pixels."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("mirnet_keras")
class PixelShuffle(keras.layers.Layer):
    """Turns `scale * scale` groups of channels into a `scale` times larger image.

    The channel order is TensorFlow's `depth_to_space`: output pixel `(y * scale + i, x * scale +
    j)` takes its channels from group `i * scale + j`. PyTorch's `PixelShuffle` orders channels
    the other way round; `mirnet_keras.weights` permutes the convolution in front.

    Args:
        scale: int. Linear enlargement.

    Input shape: `(batch, height, width, scale * scale * channels)`.
    Output shape: `(batch, scale * height, scale * width, channels)`.

    Raises:
        ValueError: when the channels are not a multiple of `scale * scale`.
    """

    def __init__(self, scale: int, **kwargs):
        super().__init__(**kwargs)
        self.scale = scale

    def build(self, input_shape):
        if input_shape[-1] % self.scale**2:
            raise ValueError(
                f"The channels must be a multiple of scale * scale = {self.scale**2}. "
                f"Received input shape {tuple(input_shape)}."
            )

    def call(self, inputs):
        return ops.depth_to_space(inputs, self.scale)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        enlarged = [size and size * self.scale for size in (height, width)]
        return (batch, *enlarged, channels // self.scale**2)

    def get_config(self):
        return super().get_config() | {"scale": self.scale}
