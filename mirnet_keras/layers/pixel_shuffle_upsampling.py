"""The up-sampling behind the body of RCAN and its relatives."""

import keras

from mirnet_keras.layers.composite import Composite
from mirnet_keras.layers.convolution import convolution
from mirnet_keras.layers.pixel_shuffle import PixelShuffle


@keras.saving.register_keras_serializable("mirnet_keras")
class PixelShuffleUpsampling(Composite):
    """Convolution and pixel shuffle: once for 3, once for each factor of 2 otherwise.

    RCAN (Zhang et al., ECCV 2018), "Upscale module"; authors' code.

    Args:
        scale: int. 3 or a power of 2.

    Input shape: `(batch, height, width, channels)`.
    Output shape: `(batch, scale * height, scale * width, channels)`.

    Raises:
        ValueError: for another scale.
    """

    def __init__(self, scale: int, **kwargs):
        super().__init__(**kwargs)
        if scale != 3 and (scale < 2 or scale & (scale - 1)):
            raise ValueError(f"`scale` must be 3 or a power of 2. Received scale={scale}.")
        self.scale = scale

    def build(self, input_shape):
        channels = input_shape[-1]
        factors = [3] if self.scale == 3 else [2] * (self.scale.bit_length() - 1)
        self.widen, self.shuffle = [], []
        for step, factor in enumerate(factors):
            options = {"use_bias": True, "dtype": self.dtype_policy}
            self.widen.append(convolution(channels * factor**2, name=f"widen_{step}", **options))
            self.widen[-1].build((None, None, None, channels))
            self.shuffle.append(
                PixelShuffle(factor, name=f"shuffle_{step}", dtype=self.dtype_policy)
            )
            self.shuffle[-1].build((None, None, None, channels * factor**2))

    def call(self, inputs):
        x = inputs
        for widen, shuffle in zip(self.widen, self.shuffle, strict=True):
            x = shuffle(widen(x))
        return x

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return (batch, height and height * self.scale, width and width * self.scale, channels)

    def get_config(self):
        return super().get_config() | {"scale": self.scale}
