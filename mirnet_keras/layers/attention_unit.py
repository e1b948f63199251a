"""What all attention units have in common: their map on request."""

import keras
from keras import ops


class AttentionUnit(keras.layers.Layer):
    """A layer of which `layer(x, return_attention=True)` gives `(output, attention)`.

    Also symbolically: the map may be an output of a functional model.
    """

    def compute_output_spec(self, *args, **kwargs):
        """Keras' hook: traces `call`, because what it gives depends on `return_attention`."""
        return keras.Operation.compute_output_spec(self, *args, **kwargs)


def softmax(logits):
    """Softmax over the last axis, which may have length 1 (of which Keras' own warns)."""
    weights = ops.exp(logits - ops.max(logits, axis=-1, keepdims=True))
    return weights / ops.sum(weights, axis=-1, keepdims=True)
