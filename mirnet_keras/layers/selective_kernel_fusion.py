"""MIRNet's selective kernel feature fusion."""

import keras
from keras import ops

from mirnet_keras.layers.attention_unit import AttentionUnit
from mirnet_keras.layers.convolution import dense
from mirnet_keras.layers.image_statistic import image_statistic, log_count, pixel_mean
from mirnet_keras.layers.scalar_prelu import ScalarPReLU


@keras.saving.register_keras_serializable("mirnet_keras")
class SelectiveKernelFusion(AttentionUnit):
    """Weighted sum of streams; the weights come from all streams together (SKFF).

    The softmax is over the streams, for each channel by itself.

    MIRNet (Zamir et al., ECCV 2020), "Selective Kernel Feature Fusion".

    Args:
        reduction: int. The descriptor has `max(channels // reduction, 4)` numbers.
        slope: float or None. Slope of the leaky ReLU behind the descriptor (MIRNet-v2: 0.2);
            None trains it (MIRNet).

    Input shape: a list of `(batch, height, width, channels)`, all equal.
    Output shape: that of one input. With `return_attention=True` also the weights,
        `(batch, streams, channels)`, which sum to 1 over the streams.
    """

    def __init__(self, reduction: int = 8, slope: float | None = None, **kwargs):
        super().__init__(**kwargs)
        self.reduction = reduction
        self.slope = slope

    def build(self, input_shape):
        channels = input_shape[0][-1]
        descriptor = max(channels // self.reduction, 4)
        self.squeeze = dense(descriptor, name="squeeze", dtype="float32")
        self.squeeze.build((None, channels))
        self.activation = (
            ScalarPReLU(name="activation", dtype="float32")
            if self.slope is None
            else keras.layers.LeakyReLU(self.slope, name="activation", dtype="float32")
        )
        self.activation.build((None, descriptor))
        self.expand = [
            dense(channels, name=f"expand_{i}", dtype="float32") for i in range(len(input_shape))
        ]
        for layer in self.expand:
            layer.build((None, descriptor))

    def call(self, inputs, return_attention=False):
        descriptor = self.activation(self.squeeze(image_statistic(sum_mean, *inputs)))
        logits = ops.stack([expand(descriptor) for expand in self.expand], axis=1)
        weights = ops.softmax(logits, axis=1)
        gates = ops.cast(weights, self.compute_dtype)
        # Indexing with None would make tensors of rank 5, which GPU delegates refuse.
        shape = (-1, 1, 1, inputs[0].shape[-1])
        outputs = sum(x * ops.reshape(gates[:, i], shape) for i, x in enumerate(inputs))
        return (outputs, weights) if return_attention else outputs

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        return super().get_config() | {"reduction": self.reduction, "slope": self.slope}


def sum_mean(*streams, share=None):
    """The mean of the streams' sum over the pixels, as `pixel_mean`."""
    return sum(pixel_mean(x, share)[0] for x in streams), log_count(streams[0], share)
