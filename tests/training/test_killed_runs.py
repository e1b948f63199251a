"""Runs that are killed, five times, and started again end with the same bits."""

import os
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest
import yaml

from mirnet_keras.data import synthetic_scene
from mirnet_keras.images import write_image

# Trains by a recipe into a folder, and kills itself after so many steps; 0: not at all.
DRIVER = """
import importlib, os, signal, sys
from mirnet_keras.training import train
fitting = importlib.import_module("mirnet_keras.training.fitting")

class Killed(fitting.KeepCheckpoint):
    left = int(sys.argv[4])

    def on_train_batch_end(self, batch, logs=None):
        Killed.left -= 1
        if Killed.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

fitting.KeepCheckpoint = Killed
train(*sys.argv[1:4], verbose=0)
"""


@pytest.fixture(scope="module")
def recipes(tiny, tiny_game):
    """Values by name; with float16 not even two whole runs are the same on CPUs."""
    common = {"warm_up": 20, "ema": 0.9, "report_every": 10, "validate_every": 50}
    sr = tiny(
        data={"kind": "super_resolution", "folders": ["scenes"], "validation": "general"},
        stages=[{"steps": 90, "crop": 16, "batch": 2}, {"steps": 110, "crop": 24, "batch": 1}],
        **common,
    )
    adversarial = tiny_game(
        {"stages": [{"steps": 140, "crop": 32, "batch": 2}]},
        stages=[{"steps": 60, "crop": 32, "batch": 2}],
        loss="l1",
        **common,
    )
    return {"sr": sr, "adversarial": adversarial}


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    random = np.random.default_rng(0)
    (root / "maps").mkdir()
    for number in range(3):
        image, labels = synthetic_scene(64, 80, random)
        write_image(root / "scenes" / f"{number}.png", image)
        np.save(root / "maps" / f"{number}.npy", labels)
        write_image(root / "general" / f"g{number}.png", synthetic_scene(48, 48, random)[0])
    return root


def run(recipe, folder, data, steps, backend):
    command = [sys.executable, "-c", DRIVER, *map(str, (recipe, folder, data, steps))]
    environment = os.environ | {"KERAS_BACKEND": backend}
    return subprocess.run(command, env=environment, capture_output=True, text=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "backend"),
    [("sr", "tensorflow"), ("adversarial", "tensorflow"), ("sr", "jax")],
)
def test_killed_five_times_a_run_ends_with_the_same_bits(recipes, scenes, tmp_path, name, backend):
    recipe = tmp_path / "tiny.yaml"
    recipe.write_text(yaml.safe_dump(recipes[name]))
    whole = run(recipe, tmp_path / "whole", scenes, 0, backend)
    assert whole.returncode == 0, whole.stderr
    for steps in np.random.default_rng(7).integers(11, 45, 5):
        killed = run(recipe, tmp_path / "parts", scenes, steps, backend)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
    last = run(recipe, tmp_path / "parts", scenes, 0, backend)
    assert last.returncode == 0, last.stderr
    for file in ("last.keras", "best.keras"):
        ours, theirs = (
            keras.saving.load_model(tmp_path / folder / file).get_weights()
            for folder in ("whole", "parts")
        )
        for ours_, theirs_ in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(ours_, theirs_)
    logs = [(tmp_path / folder / "log.csv").read_text() for folder in ("whole", "parts")]
    assert logs[0] == logs[1]
    assert not list((tmp_path / "parts").glob(".*"))


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_the_position_is_not_the_optimizer_s(recipes, tmp_path, policy):
    """Steps that loss scaling skips count as seen: the data go on where they stopped."""
    from mirnet_keras.recipes import Recipe
    from mirnet_keras.training import compile_model
    from mirnet_keras.training.fitting import build, precision
    from mirnet_keras.training.run_folder import RunFolder

    recipe = Recipe(**recipes["sr"])
    with precision(policy):
        model = build(recipe)
        compile_model(model, recipe)
    model.optimizer.build(model.trainable_variables)
    folder = RunFolder(tmp_path, recipe)
    folder.save_checkpoint(model, 10)
    assert int(model.optimizer.iterations) == 0
    assert folder.load_checkpoint(model) == 10
