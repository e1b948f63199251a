"""One tone curve and one colour matrix for a whole image."""

from typing import Any

import keras
from keras import ops

from mirnet_keras.layers.composite import Composite
from mirnet_keras.layers.convolution import UNIFORM_FAN_IN, convolution
from mirnet_keras.layers.image_statistic import image_statistic, pixel_mean

REDUCTION = 4  # linear; of the copy that is looked at
OFFSET = 1 / 512  # half a grey level: keeps the curve's slope at black finite


@keras.saving.register_keras_serializable("mirnet_keras")
class ColourAdjustment(Composite):
    """Adjust the level and the colours of an image by a gamma and a 3 x 3 matrix.

    Both follow from the means, over the whole image, of features of a copy four times smaller.
    They begin as the identity. The curve leaves black and white where they are. The idea of a
    global branch that predicts a gamma and a colour matrix is that of the Illumination Adaptive
    Transformer (Cui et al., BMVC 2022); this one is convolutional, so that the tiles of a large
    image can share what they find.

    Args:
        filters: int. Features of the first convolution; the second has twice as many.

    Input shape: `(batch, height, width, 3)` in 0..1, sides at least 4.
    Output shape: same as the input. Computed in float32 under any policy.
    """

    def __init__(self, filters: int = 24, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters

    def build(self, input_shape):
        wide = 2 * self.filters
        halving: dict = {"strides": 2, "use_bias": True, "activation": "leaky_relu"}
        policy: dict = {"dtype": "float32"}
        self.first = convolution(self.filters, name="first", **halving, **policy)
        self.second = convolution(wide, name="second", **halving, **policy)
        self.hidden = keras.layers.Dense(
            wide, "leaky_relu", kernel_initializer=UNIFORM_FAN_IN, name="hidden", **policy
        )
        self.predict = keras.layers.Dense(10, kernel_initializer="zeros", name="predict", **policy)
        self.first.build((None, None, None, 6))
        self.second.build((None, None, None, self.filters))
        self.hidden.build((None, wide))
        self.predict.build((None, wide))

    def call(self, inputs):
        image = ops.maximum(ops.cast(inputs, "float32"), 0.0)
        numbers = self.predict(self.hidden(image_statistic(self.describe, image)))
        gamma = ops.reshape(ops.exp(numbers[:, 0]), (-1, 1, 1, 1))
        change = ops.reshape(numbers[:, 1:], (-1, 1, 3, 3))
        return ops.cast(_mixed(_curved(image, gamma), change), self.compute_dtype)

    def describe(self, image: Any, share: Any = None) -> Any:
        """Return the mean features of an image, as `pixel_mean` does."""
        small = ops.average_pool(image, REDUCTION, padding="valid")
        if share is not None:
            share = ops.average_pool(share[..., None], 4 * REDUCTION, padding="same")[..., 0]
        features = self.second(self.first(ops.concatenate([small, ops.sqrt(small + OFFSET)], -1)))
        return pixel_mean(features, share)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return super().get_config() | {"filters": self.filters}


def _curved(image, gamma):
    """Return `image ** gamma` with a finite slope at black; 0 and 1 stay 0 and 1."""
    black, white = OFFSET**gamma, (1 + OFFSET) ** gamma
    return ((image + OFFSET) ** gamma - black) / (white - black)


def _mixed(image, change):
    """Return the image plus its colours times a (batch, 1, 3, 3) matrix."""
    batch, height, width, _ = ops.shape(image)
    pixels = ops.reshape(image, (batch, 1, height * width, 3))
    return image + ops.reshape(ops.matmul(pixels, change), (batch, height, width, 3))
