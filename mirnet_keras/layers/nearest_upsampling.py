"""Enlargement by repeating pixels."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("mirnet_keras")
class NearestUpsampling(keras.layers.Layer):
    """Repeats every pixel `scale` times in both directions.

    As `keras.layers.UpSampling2D`, but LiteRT takes it for images of any size.

    Args:
        scale: int. Linear enlargement, at least 2.

    Input shape: `(batch, height, width, channels)`.
    Output shape: `(batch, scale * height, scale * width, channels)`.
    """

    def __init__(self, scale: int = 2, **kwargs):
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, inputs):
        return ops.depth_to_space(ops.concatenate([inputs] * self.scale**2, axis=-1), self.scale)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return (batch, height and height * self.scale, width and width * self.scale, channels)

    def get_config(self):
        return super().get_config() | {"scale": self.scale}
