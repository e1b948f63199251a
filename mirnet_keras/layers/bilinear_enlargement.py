"""A 1 x 1 convolution and exact bilinear enlargement by two."""

import keras
import numpy as np
from keras import ops

from mirnet_keras.layers.convolution import UNIFORM_FAN_IN
from mirnet_keras.layers.mirror_padding import with_mirrored_frame

# Along one axis, an output pixel lies a quarter pixel before or after its input pixel.
BEFORE, AFTER = (0.25, 0.75, 0.0), (0.0, 0.75, 0.25)
# (height, width, phase): the four output pixels of an input pixel are its phases.
BILINEAR = np.stack(
    [np.outer(rows, columns) for rows in (BEFORE, AFTER) for columns in (BEFORE, AFTER)], axis=-1
).astype("float32")


@keras.saving.register_keras_serializable("mirnet_keras")
class BilinearEnlargement(keras.layers.Layer):
    """Changes the channels by a 1 x 1 convolution and doubles the size bilinearly.

    The enlargement is a 3 x 3 convolution of each channel for itself, to four pixels at a time.
    Half-pixel centres, edge pixels repeated: equal to `tf.image.resize` and to PyTorch's
    `align_corners=False`, and exported with unknown sizes, which Keras' own bilinear resizing is
    not.

    MIRNet (`UpSample`, bottom path) and MIRNet-v2 (`UpSample`), authors' code.

    Args:
        filters: int. Output channels.

    Input shape: `(batch, height, width, channels)`.
    Output shape: `(batch, 2 * height, 2 * width, filters)`.
    """

    def __init__(self, filters: int, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.bias = None

    def build(self, input_shape):
        self.kernel = self.add_weight(
            name="kernel",
            shape=(1, 1, input_shape[-1], self.filters),
            initializer=keras.initializers.get(UNIFORM_FAN_IN),
            autocast=False,
        )

    def call(self, inputs):
        kernel = ops.cast(self.kernel, self.compute_dtype)
        converted = ops.conv(inputs, kernel, padding="valid")
        padded = with_mirrored_frame(converted, first=0)
        taps = np.repeat(BILINEAR, self.filters, axis=-1)[..., None]
        phases = ops.depthwise_conv(
            ops.concatenate([padded] * 4, axis=-1),
            ops.cast(taps, self.compute_dtype),
            padding="valid",
        )
        return ops.depth_to_space(phases, 2)

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        return (batch, height and 2 * height, width and 2 * width, self.filters)

    def get_config(self):
        return super().get_config() | {"filters": self.filters}
