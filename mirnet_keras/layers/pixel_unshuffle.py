"""Pixel unshuffle: pixels become channels."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("mirnet_keras")
class PixelUnshuffle(keras.layers.Layer):
    """Turns pieces of `scale * scale` pixels into channels of a `scale` times smaller image.

    The inverse of `PixelShuffle`: pixel `(y * scale + i, x * scale + j)` goes to channel group
    `i * scale + j`.

    Args:
        scale: int. Linear reduction.

    Input shape: `(batch, height, width, channels)`, sides multiples of `scale`.
    Output shape: `(batch, height / scale, width / scale, scale * scale * channels)`.

    Raises:
        ValueError: for sides that are no multiples.
    """

    def __init__(self, scale: int, **kwargs):
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, inputs):
        sides = inputs.shape[1:3]
        if any(isinstance(side, int) and side % self.scale for side in sides):
            raise ValueError(
                f"Height and width must be multiples of {self.scale}. Received {tuple(sides)}. "
                "Pad the image; `restore` and `Restorer` do."
            )
        return ops.space_to_depth(inputs, self.scale)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        reduced = [size and size // self.scale for size in (height, width)]
        return (batch, *reduced, channels * self.scale**2)

    def get_config(self):
        return super().get_config() | {"scale": self.scale}
