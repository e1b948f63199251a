"""AWSRN's residual unit with learned weights on both paths."""

import keras
from keras import ops

from mirnet_keras.layers.composite import Composite
from mirnet_keras.layers.scalar_weight import add_scalar
from mirnet_keras.layers.weight_norm_convolution import WeightNormConvolution


@keras.saving.register_keras_serializable("mirnet_keras")
class AdaptiveWeightedResidualUnit(Composite):
    """Two wide-activation convolutions and the identity, each with a learned weight (AWRU).

    `residual_scale * conv(relu(conv(x))) + identity_scale * x`.

    AWSRN (Wang et al., 2019), "Adaptive Weighted Residual Unit".

    Args:
        wide_filters: int. Channels between the two convolutions.
        initial_scale: float. `residual_scale` before training.

    Input shape: `(batch, height, width, channels)`.
    Output shape: same as the input.
    """

    def __init__(self, wide_filters: int = 128, initial_scale: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        self.wide_filters = wide_filters
        self.initial_scale = initial_scale

    def build(self, input_shape):
        policy = {"dtype": self.dtype_policy}
        self.expand = WeightNormConvolution(
            self.wide_filters, activation="relu", name="expand", **policy
        )
        self.project = WeightNormConvolution(input_shape[-1], name="project", **policy)
        self.expand.build(input_shape)
        self.project.build((*input_shape[:-1], self.wide_filters))
        self.residual_scale = add_scalar(self, "residual_scale", self.initial_scale)
        self.identity_scale = add_scalar(self, "identity_scale", 1.0)

    def call(self, inputs):
        residual = self.project(self.expand(inputs), scale=self.residual_scale)
        return residual + ops.cast(self.identity_scale, self.compute_dtype) * inputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        config = {"wide_filters": self.wide_filters, "initial_scale": self.initial_scale}
        return super().get_config() | config
