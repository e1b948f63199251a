"""What all attention units have in common: their map on request."""

import keras


class AttentionUnit(keras.layers.Layer):
    """A layer of which `layer(x, return_attention=True)` gives `(output, attention)`.

    Also symbolically: the map may be an output of a functional model.
    """

    def compute_output_spec(self, *args, **kwargs):
        """Keras' hook: traces `call`, because what it gives depends on `return_attention`."""
        return keras.Operation.compute_output_spec(self, *args, **kwargs)
