"""The colour shift at both ends of RCAN and its relatives."""

import keras
from keras import ops

# Mean colour of DIV2K, RGB in 0..1, that the authors' code subtracts.
MEAN_COLOUR = (0.4488, 0.4371, 0.4040)
FLOAT16_LIMIT = 8  # times the value range


@keras.saving.register_keras_serializable("mirnet_keras")
class MeanShift(keras.layers.Layer):
    """Subtracts or adds a mean colour by a 1 x 1 convolution that training may change.

    Between the two shifts the authors' networks work in `0..value_range`; outside are images in
    0..1. So the layer multiplies by `value_range` before subtracting, or divides by it after
    adding.

    RCAN, SAN, HAN: authors' code. There the shifts are ordinary convolutions, and in RCAN and SAN
    they are trained, against the intention: a checkpoint may hold any matrix.

    Args:
        value_range: float. White on the network's side.
        add: bool. Whether to add the mean (at the end) instead of subtracting it.
        mean: three floats in 0..1.

    Input shape: `(batch, height, width, 3)`. Computed in float32 whatever the policy.
    Output shape: same as the input. Under float16, which overflows at 65,504, what a shift
        subtracts from is limited to 8 times the value range.

    Raises:
        ValueError: when `value_range` is not above 0.
    """

    def __init__(self, value_range: float = 255.0, add: bool = False, mean=MEAN_COLOUR, **kwargs):
        super().__init__(autocast=False, **kwargs)
        if not value_range > 0:
            raise ValueError(f"`value_range` must be above 0, as 255 or 1. Got {value_range}.")
        self.value_range = value_range
        self.add = add
        self.mean = tuple(mean)

    def build(self, input_shape):
        sign = 1 if self.add else -1
        shift = [sign * self.value_range * mean for mean in self.mean]
        self.kernel = self.add_weight(
            name="kernel",
            shape=(1, 1, 3, 3),
            initializer=_identity,
            dtype="float32",
            autocast=False,
        )
        self.bias = self.add_weight(
            name="bias",
            shape=(3,),
            initializer=lambda shape, dtype=None: ops.array(shift, dtype),
            dtype="float32",
            autocast=False,
        )

    def call(self, inputs):
        images = ops.cast(inputs, "float32")
        if self.add:
            shifted = ops.conv(images, self.kernel) + self.bias
            return ops.cast(shifted / self.value_range, self.compute_dtype)
        shifted = ops.conv(images, self.kernel * self.value_range) + self.bias
        if self.compute_dtype == "float16":
            limit = FLOAT16_LIMIT * self.value_range
            shifted = ops.clip(shifted, -limit, limit)
        return ops.cast(shifted, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        config = {"value_range": self.value_range, "add": self.add, "mean": self.mean}
        return super().get_config() | config


def _identity(shape, dtype=None):
    return ops.reshape(ops.eye(3, dtype=dtype), shape)
