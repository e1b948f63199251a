"""Anti-aliased down-sampling by two."""

import keras
import numpy as np
from keras import ops

from mirnet_keras.layers.mirror_padding import with_mirrored_frame

BINOMIAL = np.outer([1, 2, 1], [1, 2, 1]).astype("float32") / 16


@keras.saving.register_keras_serializable("mirnet_keras")
class BlurPool(keras.layers.Layer):
    """Halves an image after a 3 x 3 binomial blur, so that fine detail does not alias.

    The border is reflected. Output pixel `(i, j)` is centred on input pixel `(2i, 2j)`.

    MIRNet, authors' code (the anti-aliased down-sampling of R. Zhang, ICML 2019).

    Input shape: `(batch, height, width, channels)`, sides of at least 2.
    Output shape: `(batch, ceil(height / 2), ceil(width / 2), channels)`.
    """

    def call(self, inputs):
        channels = inputs.shape[-1]
        kernel = np.repeat(BINOMIAL[:, :, None, None], channels, axis=2)
        kernel = ops.convert_to_tensor(kernel, dtype=inputs.dtype)
        padded = with_mirrored_frame(inputs, first=1)
        return ops.depthwise_conv(padded, kernel, strides=2, padding="valid")

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return (batch, *(size and -(-size // 2) for size in (height, width)), channels)
