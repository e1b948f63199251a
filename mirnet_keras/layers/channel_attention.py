"""Channel attention: one gate for each channel, from the mean over all pixels."""

from typing import Any

import keras
from keras import ops

from mirnet_keras.layers.attention_unit import AttentionUnit
from mirnet_keras.layers.convolution import dense
from mirnet_keras.layers.image_statistic import image_statistic, pixel_mean


@keras.saving.register_keras_serializable("mirnet_keras")
class ChannelAttention(AttentionUnit):
    """Scales each channel by a gate computed from the channel means.

    MIRNet (Zamir et al., ECCV 2020), "Dual Attention Unit", channel half; the unit is RCAN's.

    Args:
        reduction: int. The gate's hidden layer has `channels // reduction` units.
        use_bias: bool. Whether the two dense layers have biases.

    Input shape: `(batch, height, width, channels)`, any size.
    Output shape: same as the input. With `return_attention=True` also the gate,
        `(batch, channels)`, in 0..1.

    Raises:
        ValueError: when built on fewer than `reduction` channels.
    """

    def __init__(self, reduction: int = 8, use_bias: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.reduction = reduction
        self.use_bias = use_bias

    def build(self, input_shape):
        channels = input_shape[-1]
        if not 1 <= self.reduction <= channels:
            raise ValueError(
                "`reduction` must be at least 1 and at most the number of channels. Received "
                f"reduction={self.reduction}, channels={channels} (input shape "
                f"{tuple(input_shape)}). Lower `reduction` or widen the network."
            )
        hidden = channels // self.reduction
        options = {"use_bias": self.use_bias, "dtype": "float32"}
        self.squeeze = dense(hidden, activation="relu", name="squeeze", **options)
        self.excite = dense(channels, activation="sigmoid", name="excite", **options)
        self.squeeze.build((None, channels))
        self.excite.build((None, hidden))

    def describe(self, inputs: Any) -> Any:
        """What the gate is computed from: `(batch, channels)` float32."""
        return image_statistic(pixel_mean, inputs)

    def call(self, inputs, return_attention=False):
        gate = self.excite(self.squeeze(self.describe(inputs)))
        outputs = inputs * ops.cast(gate, inputs.dtype)[:, None, None, :]
        return (outputs, gate) if return_attention else outputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        config = {"reduction": self.reduction, "use_bias": self.use_bias}
        return super().get_config() | config
