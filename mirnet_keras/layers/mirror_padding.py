"""Rows and columns around an image, mirrored."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("mirnet_keras")
class MirrorPadding(keras.layers.Layer):
    """Puts `width` mirrored rows and columns around an image, beginning with the outermost.

    As bicubic reduction does: so a reduced image goes on as if the larger one had been mirrored.

    Args:
        width: int. Pixels on each side.

    Input shape: `(batch, height, width, channels)`, sides at least as large as the padding.
    Output shape: `(batch, height + 2 * width, width + 2 * width, channels)`.
    """

    def __init__(self, width: int = 1, **kwargs):
        super().__init__(**kwargs)
        self.width = width

    def call(self, inputs):
        around = (self.width, self.width)
        return ops.pad(inputs, [(0, 0), around, around, (0, 0)], mode="symmetric")

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return (batch, *(size and size + 2 * self.width for size in (height, width)), channels)

    def get_config(self):
        return super().get_config() | {"width": self.width}
