"""On the JAX backend, without TensorFlow: the same files, the same numbers, and training."""

import numpy as np
import pytest

from mirnet_keras.models import MODELS

# Compiling dominates; unoptimised code is compiled several times faster.
FLAGS = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"

NO_TENSORFLOW = """
import sys

class NoTensorFlow:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("tensorflow", "tensorboard"):
            raise ModuleNotFoundError(f"No module named {name!r} (blocked by this test)")

sys.meta_path.insert(0, NoTensorFlow())
"""

PROGRAM = """
import json, pathlib
import keras, numpy as np
import mirnet_keras
from mirnet_keras.data import Batches, SamplingPlan, Stage, StepDataset
from mirnet_keras.losses import Charbonnier

class Pictures:
    def __init__(self, scale):
        random = np.random.default_rng(0)
        self.scale = scale
        self.small = random.integers(0, 256, (12, 16, 3), np.uint8)
        self.large = self.small.repeat(scale, axis=0).repeat(scale, axis=1)
        self.sizes = [self.large.shape[:2]]

    def pair(self, index):
        return self.small, self.large

    def degradation(self, index):
        return None

# The files bring the weights, and JAX would compile a random start for each shape.
for start in (keras.initializers.VarianceScaling, keras.initializers.RandomUniform):
    start.__call__ = lambda self, shape, dtype=None, **kwargs: np.ones(shape, "float32")

folder = pathlib.Path(sys.argv[1])
images, report, outputs = np.load(folder / "images.npy"), {}, {}
for name in sys.argv[2:]:
    model = keras.saving.load_model(folder / f"{name}.keras")
    outputs[name] = model.predict_on_batch(images)
    model.compile(keras.optimizers.SGD(1.0), Charbonnier())  # few operations to compile
    before = [np.array(variable) for variable in model.trainable_variables]
    plan = SamplingPlan(Pictures(model.scale).sizes, [Stage(1, 8 * model.scale, 2)], 0, model.scale)
    batches = Batches(Pictures(model.scale), plan).dataset()
    history = model.fit(batches, steps_per_epoch=1, verbose=0, shuffle=False)
    changed = [bool((a != b).any()) for a, b in zip(before, model.trainable_variables)]
    report[name] = {
        "data": type(batches).__name__,
        "loss": history.history["loss"][0],
        "changed": sum(changed) / len(changed),
    }
np.savez(folder / "outputs_jax.npz", **outputs)
report["backend"] = keras.backend.backend()
report["tensorflow"] = "tensorflow" in sys.modules
print(json.dumps(report))
"""


@pytest.fixture(scope="module")
def report(saved, run_python):
    return run_python(NO_TENSORFLOW + PROGRAM, saved, *MODELS, KERAS_BACKEND="jax", XLA_FLAGS=FLAGS)


def test_tensorflow_is_not_needed(report):
    assert report["backend"] == "jax"
    assert report["tensorflow"] is False


@pytest.mark.parametrize("name", MODELS)
def test_the_same_file_gives_the_same_numbers(report, saved, name):
    expected = np.load(saved / "expected.npz")[name]
    difference = np.abs(np.load(saved / "outputs_jax.npz")[name] - expected)
    assert difference.max() <= 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("name", MODELS)
def test_a_step_of_fit(report, name):
    assert report[name]["data"] == "StepDataset"
    assert np.isfinite(report[name]["loss"])
    assert report[name]["changed"] > 0.9  # all, but for units that happen to be silent


TRAINING = """
import importlib, json, pathlib
import keras, numpy as np
from mirnet_keras.images import write_image
from mirnet_keras.recipes import Recipe
from mirnet_keras.training import train

folder = pathlib.Path(sys.argv[1])
for seed, name in enumerate(["train/a", "train/b", "val/c"]):
    small = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)
    write_image(folder / f"{name}.png", small.repeat(2, axis=0).repeat(2, axis=1))
recipe = Recipe(
    name="tiny",
    network="awsrn",
    arguments={"scale": 2, "blocks": 1, "units": 1, "filters": 4, "wide_filters": 8},
    data={"kind": "super_resolution", "folders": ["train"], "validation": "val"},
    stages=[{"steps": 6, "crop": 8, "batch": 2}],
    ema=0.9,
    precision="float32",
    report_every=2,
    validate_every=2,
)
whole = train(recipe, folder / "whole", folder, verbose=0)

module = importlib.import_module("mirnet_keras.training.fitting")
keep_checkpoint = module.KeepCheckpoint

class Interrupted(keep_checkpoint):
    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        raise KeyboardInterrupt

module.KeepCheckpoint = Interrupted
try:
    train(recipe, folder / "parts", folder, verbose=0)
except KeyboardInterrupt:
    module.KeepCheckpoint = keep_checkpoint
assert not (folder / "parts/last.keras").exists()
parts = train(recipe, folder / "parts", folder, verbose=0)

def same(a, b):
    pairs = zip(a.get_weights(), b.get_weights(), strict=True)
    return all(bool((x == y).all()) for x, y in pairs)

best = [keras.saving.load_model(folder / run / "best.keras") for run in ("whole", "parts")]
print(json.dumps({
    "files": sorted(path.name for path in (folder / "whole").iterdir()),
    "same": same(whole, parts),
    "same best": same(*best),
    "same log": (folder / "whole/log.csv").read_text() == (folder / "parts/log.csv").read_text(),
    "backend": keras.backend.backend(),
}))
"""


def test_training_by_a_recipe_and_going_on_after_an_interruption(run_python, tmp_path):
    program = NO_TENSORFLOW + TRAINING
    assert run_python(program, tmp_path, KERAS_BACKEND="jax", XLA_FLAGS=FLAGS) == {
        "files": [
            "best.keras",
            "checkpoint.weights.h5",
            "curve.png",
            "data.yaml",
            "last.keras",
            "log.csv",
            "previous.weights.h5",
            "recipe.yaml",
            "report.json",
            "report.md",
        ],
        "same": True,
        "same best": True,
        "same log": True,
        "backend": "jax",
    }


EPOCHS = """
import json
import keras, numpy as np
from mirnet_keras.data import StepDataset

def load(step):
    return np.full((1, 1), step, np.float32), np.zeros((1, 1), np.float32)

image = keras.Input((1,))
model = keras.Model(image, keras.layers.Rescaling(1.0)(image))
model.compile("sgd", lambda target, output: output[:, 0])
data = StepDataset(load, start=7)
log = model.fit(data, steps_per_epoch=40, epochs=4, shuffle=False, verbose=0)
print(json.dumps(log.history["loss"]))
"""


def test_each_epoch_goes_on_where_the_last_ended(run_python):
    means = run_python(EPOCHS, KERAS_BACKEND="jax")
    assert means == [7 + 40 * epoch + 19.5 for epoch in range(4)]
