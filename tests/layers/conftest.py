from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops
from safetensors.numpy import load_file

GOLDEN = Path(__file__).parents[1] / "golden"


class Units:
    """A golden file of single units: channels last by `units[key]`, as it is in `tensors`."""

    def __init__(self, name, relative_error, gradients):
        self.tensors = load_file(GOLDEN / f"{name}.safetensors")
        self.relative_error = relative_error
        self.gradients = gradients

    def __getitem__(self, key):
        array = self.tensors[key]
        return np.moveaxis(array, -3, -1) if array.ndim >= 4 else array

    def fill(self, table):
        """Gives the variables of `table` the authors' values."""
        for tensor in table:
            tensor.variable.assign(tensor.to_ours(self.tensors[f"param/{tensor.key}"]))

    def error(self, ours, key):
        """Against the tensor `key`, relative to its largest value."""
        return self.relative_error(ours, self[key])

    def gradient_errors(self, function, inputs, upstream, expected, table=()):
        """Of the gradients by the inputs, which should be `expected`, and by each of `table`."""
        by_input, by_variable = self.gradients(
            function, inputs, lambda outputs: ops.sum(outputs * upstream)
        )
        pairs = zip(keras.tree.flatten(by_input), keras.tree.flatten(expected), strict=True)
        errors = {f"input {i}": self.relative_error(*pair) for i, pair in enumerate(pairs)}
        for tensor in table:
            theirs = tensor.to_ours(self.tensors[f"grad/{tensor.key}"])
            errors[tensor.key] = self.relative_error(by_variable[id(tensor.variable)], theirs)
        return errors


@pytest.fixture(scope="session")
def golden_units(relative_error, gradients):
    """`golden_units(name)`: the golden file of that name."""
    return lambda name: Units(name, relative_error, gradients)
