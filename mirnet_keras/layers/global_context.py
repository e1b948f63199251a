"""MIRNet-v2's context block."""

from typing import Any

import keras
from keras import ops

from mirnet_keras.layers.attention_unit import AttentionUnit, softmax
from mirnet_keras.layers.convolution import convolution, dense
from mirnet_keras.layers.image_statistic import image_statistic

NEVER = -1e9  # the logit of a pixel that does not count


@keras.saving.register_keras_serializable("mirnet_keras")
class GlobalContext(AttentionUnit):
    """Adds one vector to all pixels: an attention-weighted mean of the image, transformed.

    MIRNet-v2 (Zamir et al., TPAMI 2022), "Residual Contextual Block"; authors' code.

    Args:
        slope: float. Slope of the leaky ReLU inside the transform.
        use_bias: bool. Whether its convolutions have biases.

    Input shape: `(batch, height, width, channels)`.
    Output shape: same as the input. With `return_attention=True` also the attention,
        `(batch, height, width, 1)`, which sums to 1 over the pixels.
    """

    def __init__(self, slope: float = 0.2, use_bias: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.slope = slope
        self.use_bias = use_bias

    def build(self, input_shape):
        channels = input_shape[-1]
        bias = {"use_bias": self.use_bias}
        self.mask = convolution(1, 1, name="mask", dtype=self.dtype_policy, **bias)
        self.mask.build(input_shape)
        self.squeeze = dense(channels, name="squeeze", dtype="float32", **bias)
        self.activation = keras.layers.LeakyReLU(self.slope, name="activation", dtype="float32")
        self.expand = dense(channels, name="expand", dtype="float32", **bias)
        for layer in (self.squeeze, self.activation, self.expand):
            layer.build((None, channels))

    def describe(self, inputs: Any, share: Any = None) -> Any:
        """The attention-weighted mean of the pixels, as `pixel_mean`."""
        batch, height, width, channels = ops.shape(inputs)
        logits = self._logits(inputs)
        if share is not None:
            counts = ops.reshape(share, (batch, 1, height * width)) > 0
            logits = ops.where(counts, logits, NEVER)
        attention = ops.cast(softmax(logits), inputs.dtype)
        pixels = ops.reshape(inputs, (batch, height * width, channels))
        return ops.matmul(attention, pixels)[:, 0], ops.logsumexp(logits, axis=(1, 2))

    def _logits(self, inputs):
        """Of the attention: (batch, 1, pixels) float32."""
        batch, height, width, _ = ops.shape(inputs)
        return ops.cast(ops.reshape(self.mask(inputs), (batch, 1, height * width)), "float32")

    def call(self, inputs, return_attention=False):
        context = image_statistic(self.describe, inputs)
        context = self.expand(self.activation(self.squeeze(context)))
        outputs = inputs + ops.cast(context, inputs.dtype)[:, None, None, :]
        if return_attention:
            attention = softmax(self._logits(inputs))
            return outputs, ops.reshape(attention, (*ops.shape(inputs)[:3], 1))
        return outputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return super().get_config() | {"slope": self.slope, "use_bias": self.use_bias}
