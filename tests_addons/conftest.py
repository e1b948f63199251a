"""Tests in TensorFlow 2.15, Keras 2 and tensorflow-addons; no module of ours can be imported.

`reference.py`, run in the main environment, has written what ours give.
"""

import os

import numpy as np
import pytest

VARIABLE = "MIRNET_KERAS_REFERENCE"


@pytest.fixture(scope="session")
def reference():
    """`reference(case)`: the arrays of one case by name."""
    if VARIABLE not in os.environ:
        pytest.fail(f"Set {VARIABLE} to the file that `reference.py` wrote: see docs/addons.md.")
    with np.load(os.environ[VARIABLE]) as file:
        arrays = dict(file)

    def case(name):
        found = {
            key.removeprefix(f"{name}/"): value
            for key, value in arrays.items()
            if key.startswith(f"{name}/")
        }
        assert found, f"reference.py wrote no case '{name}'"
        return found

    return case


@pytest.fixture
def close():
    """Asserts that two arrays differ by at most `limit` of the largest expected value."""

    def check(received, expected, limit=1e-5):
        received = np.asarray(received)
        assert received.shape == expected.shape
        assert np.abs(received - expected).max() <= limit * np.abs(expected).max()

    return check
