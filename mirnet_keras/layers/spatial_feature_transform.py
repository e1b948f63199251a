"""SFTGAN's spatial feature transform, and the residual block around two of them."""

import keras
from keras import ops

from mirnet_keras.layers.composite import Composite
from mirnet_keras.layers.convolution import convolution

# Slope of the leaky ReLUs, and what is added to the factor.
VARIANTS = {"pytorch": (0.1, 1.0), "torch": (0.01, 0.0)}


class _Conditioned(Composite):
    """A layer of `[features, condition]`, in one of the two published forms."""

    def __init__(self, variant: str = "pytorch", **kwargs):
        super().__init__(**kwargs)
        if variant not in VARIANTS:
            raise ValueError(
                f"`variant` must be one of {sorted(VARIANTS)}. Received: variant={variant!r}."
            )
        self.variant = variant

    def compute_output_shape(self, input_shape):
        return tuple(input_shape[0])

    def get_config(self):
        return super().get_config() | {"variant": self.variant}


@keras.saving.register_keras_serializable("mirnet_keras")
class SpatialFeatureTransform(_Conditioned):
    """Scales and shifts features, at each pixel and channel, by what the condition says (SFT).

    Two 1 x 1 convolutions with a leaky ReLU between them give the factor, two others the shift.

    SFTGAN (Wang et al., CVPR 2018), "Spatial Feature Transform"; authors' code.

    Args:
        variant: "pytorch", the later code: `features * (factor + 1) + shift`, slope 0.1; or
            "torch", the paper's: `features * factor + shift`, slope 0.01.

    Input shape: `[(batch, height, width, channels), (batch, height, width, conditions)]`.
    Output shape: as the first input.

    Raises:
        ValueError: for another variant.
    """

    def build(self, input_shape):
        features, condition = (shape[-1] for shape in input_shape)
        options = {"use_bias": True, "dtype": self.dtype_policy}
        self.factor_hidden = convolution(condition, 1, name="factor_hidden", **options)
        self.factor = convolution(features, 1, name="factor", **options)
        self.shift_hidden = convolution(condition, 1, name="shift_hidden", **options)
        self.shift = convolution(features, 1, name="shift", **options)
        for layer in (self.factor_hidden, self.factor, self.shift_hidden, self.shift):
            layer.build((None, None, None, condition))

    def call(self, inputs):
        features, condition = inputs
        slope, offset = VARIANTS[self.variant]
        factor = self.factor(ops.leaky_relu(self.factor_hidden(condition), slope))
        shift = self.shift(ops.leaky_relu(self.shift_hidden(condition), slope))
        return features * (factor + offset) + shift


@keras.saving.register_keras_serializable("mirnet_keras")
class SpatialFeatureTransformBlock(_Conditioned):
    """Two feature transforms and two 3 x 3 convolutions, added to the features.

    SFTGAN (Wang et al., CVPR 2018), Figure 3; authors' code.

    Args:
        variant: As of `SpatialFeatureTransform`. "pytorch" has one ReLU, behind the first
            convolution; "torch" has one behind each transform.

    Input shape: `[(batch, height, width, channels), (batch, height, width, conditions)]`.
    Output shape: as the first input.

    Raises:
        ValueError: for another variant.
    """

    def build(self, input_shape):
        features, _ = input_shape
        policy = {"dtype": self.dtype_policy}
        self.first_transform = SpatialFeatureTransform(
            self.variant, name="first_transform", **policy
        )
        self.first = convolution(features[-1], use_bias=True, name="first", **policy)
        self.second_transform = SpatialFeatureTransform(
            self.variant, name="second_transform", **policy
        )
        self.second = convolution(features[-1], use_bias=True, name="second", **policy)
        for transform in (self.first_transform, self.second_transform):
            transform.build(input_shape)
        for layer in (self.first, self.second):
            layer.build(features)

    def call(self, inputs):
        features, condition = inputs
        x = self.first_transform([features, condition])
        if self.variant == "pytorch":
            x = self.second_transform([ops.relu(self.first(x)), condition])
        else:
            x = self.first(ops.relu(x))
            x = ops.relu(self.second_transform([x, condition]))
        return features + self.second(x)
