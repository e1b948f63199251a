"""HAN's channel-spatial attention."""

import keras
from keras import ops

from mirnet_keras.layers.attention_unit import AttentionUnit
from mirnet_keras.layers.convolution import UNIFORM_FAN_IN
from mirnet_keras.layers.scalar_weight import add_scalar


@keras.saving.register_keras_serializable("mirnet_keras")
class ChannelSpatialAttention(AttentionUnit):
    """A gate for every number, from its 3 x 3 x 3 neighbours in height, width and channel (CSAM).

    `x + gamma sigmoid(conv3d(x)) x`. The 3-D convolution of one channel is computed as a 2-D
    convolution whose kernel connects neighbouring channels only: the same numbers, in the form
    that matrix units and LiteRT run fast.

    HAN (Niu et al., ECCV 2020), "Channel-Spatial Attention Module".

    Input shape: `(batch, height, width, channels)`.
    Output shape: same as the input. With `return_attention=True` also the gate, same shape, in
        0..1.
    """

    def build(self, input_shape):
        # As for a 3-D convolution: (channel, height, width, in, out).
        self.kernel = self.add_weight(
            name="kernel",
            shape=(3, 3, 3, 1, 1),
            initializer=keras.initializers.get(UNIFORM_FAN_IN),
        )
        self.bias = self.add_weight(name="bias", shape=(1,), initializer="zeros")
        self.gamma = add_scalar(self, "gamma", 0.0)

    def call(self, inputs, return_attention=False):
        kernel = banded_kernel(ops.cast(self.kernel, inputs.dtype), inputs.shape[-1])
        gate = ops.sigmoid(ops.conv(inputs, kernel, padding="same") + self.bias)
        outputs = inputs * (1 + ops.cast(self.gamma, inputs.dtype) * gate)
        return (outputs, gate) if return_attention else outputs

    def compute_output_shape(self, input_shape):
        return input_shape


def banded_kernel(kernel, channels: int):
    """The 2-D kernel of a 3-D convolution over (channel, height, width), zero padded.

    Args:
        kernel: (3, 3, 3, 1, 1): channel, height, width, in, out.
        channels: int.

    Returns:
        (3, 3, channels, channels).
    """
    # Input channel o + d - 1 meets output channel o in plane d.
    bands = ops.stack([ops.eye(channels, k=1 - d, dtype=kernel.dtype) for d in range(3)])
    return ops.tensordot(ops.squeeze(kernel, (3, 4)), bands, axes=[[0], [0]])
