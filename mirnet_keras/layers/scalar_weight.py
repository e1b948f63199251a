"""A single trained number."""

import keras


def add_scalar(layer: keras.layers.Layer, name: str, initial: float):
    """Gives `layer` one trained number, kept in float32 under every policy."""
    initializer = keras.initializers.Constant(initial)
    return layer.add_weight(name=name, shape=(), initializer=initializer, autocast=False)
