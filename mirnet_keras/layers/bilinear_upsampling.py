"""Exact bilinear enlargement by two."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("mirnet_keras")
class BilinearUpsampling(keras.layers.Layer):
    """Doubles height and width bilinearly: half-pixel centres, edge pixels repeated.

    Equal to PyTorch's `align_corners=False`, and works with unknown sizes, which Keras' own
    bilinear resizing does not. `BilinearEnlargement` also changes the channels.

    Real-ESRGAN, authors' code (`F.interpolate` in the discriminator).

    Input shape: `(batch, height, width, channels)`.
    Output shape: `(batch, 2 * height, 2 * width, channels)`.
    """

    def call(self, inputs):
        return _doubled(_doubled(inputs, axis=1), axis=2)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return (batch, height and 2 * height, width and 2 * width, channels)


def _doubled(images, axis: int):
    """Twice as long along `axis`: 1 is the height, 2 the width."""
    padding = [(1, 1) if a == axis else (0, 0) for a in range(4)]
    padded = ops.pad(images, padding, mode="symmetric")
    before = padded[:, :-2] if axis == 1 else padded[:, :, :-2]
    after = padded[:, 2:] if axis == 1 else padded[:, :, 2:]
    even, odd = 0.75 * images + 0.25 * before, 0.75 * images + 0.25 * after
    shape = list(ops.shape(images))
    shape[axis] *= 2
    return ops.reshape(ops.stack([even, odd], axis=axis + 1), shape)
