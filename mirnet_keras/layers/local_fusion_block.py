"""AWSRN's block: residual units in series, all of their outputs fused."""

import keras
from keras import ops

from mirnet_keras.layers.adaptive_weighted_residual_unit import AdaptiveWeightedResidualUnit
from mirnet_keras.layers.composite import Composite
from mirnet_keras.layers.scalar_weight import add_scalar
from mirnet_keras.layers.weight_norm_convolution import WeightNormConvolution


@keras.saving.register_keras_serializable("mirnet_keras")
class LocalFusionBlock(Composite):
    """`units` residual units in series, fused by a 3 x 3 convolution of all their outputs (LFB).

    `residual_scale * fuse(concat(a_1, ..., a_units)) + identity_scale * x`.

    AWSRN (Wang et al., 2019), "Local Fusion Block".

    Args:
        units: int. Residual units in series.
        wide_filters: int. Channels inside each unit.
        initial_scale: float. Every `residual_scale` before training.

    Input shape: `(batch, height, width, channels)`.
    Output shape: same as the input.
    """

    def __init__(
        self, units: int = 4, wide_filters: int = 128, initial_scale: float = 1.0, **kwargs
    ):
        super().__init__(**kwargs)
        self.number_of_units = units
        self.wide_filters = wide_filters
        self.initial_scale = initial_scale

    def build(self, input_shape):
        channels = input_shape[-1]
        policy = {"dtype": self.dtype_policy}
        self.units = [
            AdaptiveWeightedResidualUnit(
                self.wide_filters, self.initial_scale, name=f"unit_{u}", **policy
            )
            for u in range(self.number_of_units)
        ]
        for unit in self.units:
            unit.build(input_shape)
        self.fuse = WeightNormConvolution(channels, name="fuse", **policy)
        self.fuse.build((*input_shape[:-1], channels * self.number_of_units))
        self.residual_scale = add_scalar(self, "residual_scale", self.initial_scale)
        self.identity_scale = add_scalar(self, "identity_scale", 1.0)

    def call(self, inputs):
        outputs, x = [], inputs
        for unit in self.units:
            x = unit(x)
            outputs.append(x)
        fused = self.fuse(ops.concatenate(outputs, axis=-1), scale=self.residual_scale)
        return fused + ops.cast(self.identity_scale, self.compute_dtype) * inputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        config = {
            "units": self.number_of_units,
            "wide_filters": self.wide_filters,
            "initial_scale": self.initial_scale,
        }
        return super().get_config() | config
