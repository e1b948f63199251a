"""Enlargement of each channel for itself by a trained kernel."""

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable("mirnet_keras")
class LearnedEnlargement(keras.layers.Layer):
    """A transposed convolution with one kernel for each channel, which starts as bilinear.

    The kernel is two steps high and wide, so that neighbouring copies of it overlap by half, and
    a quarter of it falls off each edge of the image.

    OutdoorSceneSeg (SFTGAN, Wang et al., CVPR 2018), authors' code: a grouped transposed
    convolution of 16 x 16, stride 8, padding 4, without bias.

    Args:
        scale: int. Linear enlargement, even.

    Input shape: `(batch, height, width, channels)`.
    Output shape: `(batch, scale * height, scale * width, channels)`.

    Raises:
        ValueError: for an odd scale.
    """

    def __init__(self, scale: int, **kwargs):
        super().__init__(**kwargs)
        if scale < 2 or scale % 2:
            raise ValueError(f"`scale` must be even and positive. Received scale={scale}.")
        self.scale = scale

    def build(self, input_shape):
        self.kernel = self.add_weight(
            name="kernel",
            shape=(2 * self.scale, 2 * self.scale, 1, input_shape[-1]),
            initializer=_bilinear,
        )

    def call(self, inputs):
        # As a full kernel with zeros between channels: grouped ones run on few processors only.
        channels = inputs.shape[-1]
        own = ops.eye(channels, dtype=self.compute_dtype)
        kernel = ops.cast(self.kernel, self.compute_dtype) * own
        return ops.conv_transpose(inputs, kernel, strides=self.scale, padding="same")

    def compute_output_shape(self, input_shape):
        batch, *sides, channels = input_shape
        return (batch, *(side and side * self.scale for side in sides), channels)

    def get_config(self):
        return super().get_config() | {"scale": self.scale}


def _bilinear(shape, dtype=None):
    scale = shape[0] // 2
    tent = 1 - np.abs(np.arange(2 * scale) - (scale - 0.5)) / scale
    kernel = np.outer(tent, tent)[:, :, None, None]
    return ops.cast(np.broadcast_to(kernel, shape).copy(), dtype)
