"""Batch normalisation as the authors' networks were trained with."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("mirnet_keras")
class UnbiasedBatchNormalization(keras.layers.BatchNormalization):
    """Batch normalisation that keeps the unbiased variance of n values, n / (n - 1) of Keras'.

    A batch in training is normalised with its biased variance, in both. The difference shows in
    evaluation after training on few values, such as a 3 x 3 map and a small batch.

    ESRGAN, authors' code (`nn.BatchNorm2d`).

    Args:
        momentum: float. How much of the running statistics a step keeps.
        epsilon: float. Added to the variance.
        **kwargs: As `keras.layers.BatchNormalization`.

    Input shape: `(batch, height, width, channels)`.
    Output shape: same as the input.
    """

    def __init__(self, momentum: float = 0.9, epsilon: float = 1e-5, **kwargs):
        super().__init__(momentum=momentum, epsilon=epsilon, **kwargs)

    def call(self, inputs, training=None, mask=None):
        kept = self.moving_variance * self.momentum
        outputs = super().call(inputs, training=training, mask=mask)
        if training and self.trainable:
            added = self.moving_variance - kept
            self.moving_variance.assign(kept + added * _unbiased(inputs))
        return outputs


def _unbiased(images):
    """The unbiased variance of a channel over the biased one; 1 for a single value."""
    batch, height, width, _ = ops.shape(images)
    values = ops.cast(batch * height * width, "float32")
    return values / ops.maximum(values - 1, 1)
