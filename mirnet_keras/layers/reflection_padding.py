"""Rows and columns around an image, mirrored."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("mirnet_keras")
class ReflectionPadding(keras.layers.Layer):
    """Puts `width` mirrored rows and columns around an image; the edge itself is not repeated.

    Args:
        width: int. Pixels on each side.

    Input shape: `(batch, height, width, channels)`, sides larger than the padding.
    Output shape: `(batch, height + 2 * width, width + 2 * width, channels)`.
    """

    def __init__(self, width: int = 1, **kwargs):
        super().__init__(**kwargs)
        self.width = width

    def call(self, inputs):
        around = (self.width, self.width)
        return ops.pad(inputs, [(0, 0), around, around, (0, 0)], mode="reflect")

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return (batch, *(size and size + 2 * self.width for size in (height, width)), channels)

    def get_config(self):
        return super().get_config() | {"width": self.width}
