from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import settings
from keras import ops

# No time limit for one example: a loaded machine is no fault of the code.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

SHARED = Path(__file__).parents[1] / "../shared"


@pytest.fixture(scope="session")
def shared():
    """The folder of test data beside the checkout; tests that need it are skipped without it."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the data folder {SHARED.resolve()}")
    return SHARED


@pytest.fixture(scope="session")
def relative_error():
    """A function: the largest difference, against the largest value of the second argument."""

    def error(ours, theirs):
        ours = ops.convert_to_numpy(ours)
        assert ours.shape == theirs.shape
        return np.abs(ours - theirs).max() / np.abs(theirs).max()

    return error


@pytest.fixture(scope="session")
def gradients():
    """`gradients(function, inputs, loss)` of `loss(function(inputs))`, on either backend.

    Gives those of the inputs, and those of a layer's trainable variables by the variables' ids.
    """
    return _gradients


def _gradients(function, inputs, loss):
    variables = getattr(function, "trainable_variables", [])
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        inputs = keras.tree.map_structure(tf.convert_to_tensor, inputs)
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            value = loss(function(inputs))
        found = tape.gradient(value, (inputs, [v.value for v in variables]))
    else:
        import jax

        def stateless(inputs, values):
            with keras.StatelessScope(zip(variables, values, strict=True)):
                return loss(function(inputs))

        found = jax.grad(stateless, argnums=(0, 1))(inputs, [v.value for v in variables])
    by_input, by_variable = keras.tree.map_structure(
        lambda x: x if x is None else np.asarray(x), found
    )
    return by_input, {id(v): g for v, g in zip(variables, by_variable, strict=True)}
