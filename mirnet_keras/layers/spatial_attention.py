"""Spatial attention: one gate for each pixel, from the maximum and mean over the channels."""

import keras
from keras import ops

from mirnet_keras.layers.attention_unit import AttentionUnit
from mirnet_keras.layers.convolution import convolution


@keras.saving.register_keras_serializable("mirnet_keras")
class SpatialAttention(AttentionUnit):
    """Scales each pixel by a gate computed from its largest and its mean channel.

    MIRNet (Zamir et al., ECCV 2020), "Dual Attention Unit", spatial half. Authors' code: maximum
    first, then mean, one 5 x 5 convolution without bias.

    Args:
        kernel_size: int. Size of the gate's convolution.

    Input shape: `(batch, height, width, channels)`.
    Output shape: same as the input. With `return_attention=True` also the gate,
        `(batch, height, width, 1)`, in 0..1.
    """

    def __init__(self, kernel_size: int = 5, **kwargs):
        super().__init__(**kwargs)
        self.kernel_size = kernel_size

    def build(self, input_shape):
        self.gate = convolution(1, self.kernel_size, name="gate", dtype=self.dtype_policy)
        self.gate.build((*input_shape[:-1], 2))

    def call(self, inputs, return_attention=False):
        largest = ops.max(inputs, axis=-1, keepdims=True)
        mean = ops.mean(inputs, axis=-1, keepdims=True)
        gate = ops.sigmoid(self.gate(ops.concatenate([largest, mean], axis=-1)))
        outputs = inputs * gate
        return (outputs, gate) if return_attention else outputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return super().get_config() | {"kernel_size": self.kernel_size}
