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
    return ops.ones_like(logits) if logits.shape[-1] == 1 else ops.softmax(logits, axis=-1)
