"""Switches that change what a step costs, and not what it learns."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from mirnet_keras.models import AWSRN
from mirnet_keras.recipes import Recipe
from mirnet_keras.training import compile_model
from mirnet_keras.training.fitting import build
from mirnet_keras.training.train import run

ARGUMENTS = {"scale": 2, "blocks": 1, "units": 1, "filters": 4, "wide_filters": 8}


def recipe(**changes):
    values = {
        "name": "tiny",
        "network": "awsrn",
        "arguments": ARGUMENTS,
        "data": {"kind": "super_resolution", "folders": ["hr"]},
        "stages": [{"steps": 8, "crop": 16, "batch": 4}],
        "loss": "l1",
        "rate": 1e-2,
        "final_rate": 9e-3,
        "ema": 0.0,
        "precision": "float32",
        "report_every": 4,
        "validate_every": 4,
    }
    return Recipe(**(values | changes))


def trained(batch, **changes):
    """Weights after 8 pictures in batches, the same pictures for every batch size."""
    plan = recipe(**changes)
    keras.utils.set_random_seed(0)
    model = AWSRN(**ARGUMENTS)
    compile_model(model, plan)
    random = np.random.default_rng(0)
    low, high = random.random((8, 8, 8, 3), np.float32), random.random((8, 16, 16, 3), np.float32)
    model.fit(low, high, batch_size=batch, shuffle=False, verbose=0)
    return model.get_weights()


def same(ours, theirs, tolerance):
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance)


@pytest.mark.slow
def test_accumulated_batches_are_one_large_batch():
    # A constant rate: the schedule counts batches.
    constant = {"schedule": "step", "decay_every": 1000}
    same(trained(2, accumulate=2, **constant), trained(4, **constant), 1e-5)


@pytest.mark.slow
def test_several_steps_at_once_are_the_same_steps():
    same(trained(2, steps_per_execution=4), trained(2), 0)


REMATERIALISED = """
import numpy as np
from test_switches import recipe, compile_model, build, keras

def learnt(plan):
    keras.utils.set_random_seed(0)
    model = build(plan)
    compile_model(model, plan)
    random = np.random.default_rng(0)
    model.train_on_batch(random.random((2, 8, 8, 3)), random.random((2, 16, 16, 3)))
    return model.get_weights()

for ours, theirs in zip(learnt(recipe(rematerialise=True)), learnt(recipe()), strict=True):
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)
"""


@pytest.mark.slow
def test_rematerialised_layers_learn_the_same():
    path = os.pathsep.join([os.path.dirname(__file__), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"KERAS_BACKEND": "jax", "PYTHONPATH": path}
    subprocess.run([sys.executable, "-c", REMATERIALISED], check=True, env=environment)


def test_rematerialising_elsewhere_is_refused():
    if keras.backend.backend() != "jax":
        with pytest.raises(ValueError, match="set KERAS_BACKEND=jax"):
            build(recipe(rematerialise=True))


def test_accumulating_on_mirrored_devices_is_refused(tmp_path):
    if keras.backend.backend() == "tensorflow":
        with pytest.raises(ValueError, match="does not go with several devices"):
            run(recipe(accumulate=2), tmp_path, None, None, all_devices=True)


@pytest.mark.parametrize("name", ["accumulate", "steps_per_execution"])
def test_what_does_not_divide_a_report_is_refused(name):
    with pytest.raises(ValueError, match=f"`{name}` must divide `report_every`"):
        recipe(**{name: 3})
