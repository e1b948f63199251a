"""Trainings by one's own `fit` that are stopped, and go on with one callback."""

import os
import signal
import subprocess
import sys

import h5py
import keras
import numpy as np
import pytest

from mirnet_keras.data import sr_folder
from mirnet_keras.images import write_image
from mirnet_keras.models import AWSRN
from mirnet_keras.training import Checkpoint, CheckpointError
from mirnet_keras.training.divergence import DivergenceError

STEPS, EPOCHS = 2, 6


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    for seed in range(3):
        small = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)
        write_image(folder / f"{seed}.png", small.repeat(3, axis=0).repeat(3, axis=1))
    return folder


def network(seed):
    """AWSRN behind dropout, with averaged weights and a schedule; another seed, other weights."""
    keras.utils.set_random_seed(seed)
    image = keras.Input((None, None, 3))
    small = AWSRN(scale=2, blocks=1, units=1, filters=4, wide_filters=8, kernel_sizes=(3,))
    model = keras.Model(image, small(keras.layers.Dropout(0.1)(image)))
    rate = keras.optimizers.schedules.CosineDecay(1e-2, STEPS * EPOCHS)
    model.compile(keras.optimizers.Adam(rate, use_ema=True, ema_momentum=0.9), "mae")
    return model


class StopAt(keras.callbacks.Callback):
    """Stops as Ctrl-C does, behind a step of an epoch."""

    def __init__(self, epoch, batch):
        super().__init__()
        self.last = (epoch, batch)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == self.last:
            raise KeyboardInterrupt


def train(folder, pictures, seed, *callbacks):
    """The program that users start again; returns the model and the steps done before."""
    model = network(seed)
    checkpoint = Checkpoint(folder)
    done = checkpoint.restore(model)
    model.fit(
        sr_folder(pictures, scale=2, crop=16, batch=2, seed=0, start=done),
        steps_per_epoch=STEPS,
        initial_epoch=done // STEPS,
        epochs=EPOCHS,
        shuffle=False,
        verbose=0,
        callbacks=[checkpoint, *callbacks],
    )
    return model, done


def arrays(model):
    """All there is: weights, random states, optimizer with its averages."""
    variables = [*model.variables, *model.optimizer.variables]
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


def same(model, other):
    for ours, theirs in zip(arrays(model), arrays(other), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.fixture(scope="module")
def whole(pictures, tmp_path_factory):
    """The model of a training that nothing disturbed."""
    return train(tmp_path_factory.mktemp("runs"), pictures, 0)[0]


def test_a_stopped_training_ends_with_the_same_bits(pictures, whole, tmp_path):
    folder = tmp_path / "new" / "mine"
    for seed, last in ((0, (2, 0)), (1, (3, 1))):  # only the first begins with fresh weights
        with pytest.raises(KeyboardInterrupt):
            train(folder, pictures, seed, StopAt(*last))
    model, done = train(folder, pictures, 2)
    assert done == 3 * STEPS
    same(model, whole)
    assert sorted(os.listdir(folder)) == ["checkpoint.weights.h5", "previous.weights.h5"]
    again, done = train(folder, pictures, 3)
    assert done == EPOCHS * STEPS
    same(again, whole)


def test_stopped_in_its_first_epoch_it_begins_with_the_same_weights(pictures, whole, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, pictures, 0, StopAt(0, 0))
    model, done = train(tmp_path, pictures, 1)
    assert done == 0
    same(model, whole)


# Trains as above, and kills itself behind so many steps; 0: not at all.
DRIVER = """
import importlib.util, os, signal, sys
import keras
spec = importlib.util.spec_from_file_location("test_resuming", sys.argv[1])
program = importlib.util.module_from_spec(spec)
spec.loader.exec_module(program)

class Kill(keras.callbacks.Callback):
    left = int(sys.argv[5])

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

model, _ = program.train(sys.argv[2], sys.argv[3], int(sys.argv[4]), Kill())
program.np.savez(sys.argv[2] + "/end.npz", *program.arrays(model))
"""


def run(folder, pictures, seed, steps, backend):
    command = [sys.executable, "-c", DRIVER, __file__, folder, pictures, seed, steps]
    environment = os.environ | {"KERAS_BACKEND": backend}
    return subprocess.run([str(x) for x in command], env=environment, capture_output=True)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_a_killed_training_ends_with_the_same_bits(pictures, tmp_path, backend):
    assert run(tmp_path / "whole", pictures, 0, 0, backend).returncode == 0
    for seed, steps in enumerate((5, 3, 0)):
        result = run(tmp_path / "parts", pictures, seed, steps, backend)
        assert result.returncode == (-signal.SIGKILL if steps else 0), result.stderr
    ends = [np.load(tmp_path / name / "end.npz") for name in ("whole", "parts")]
    for name in ends[0]:
        np.testing.assert_array_equal(ends[0][name], ends[1][name])


def tiny(filters=3, **options):
    """A model of a few weights."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(filters)])
    model.compile("adam", "mse", **options)
    return model


def fit(model, *callbacks, epochs=1, value=1.0):
    """Trains with three steps in an epoch."""
    inputs, targets = np.full((6, 2), value, np.float32), np.zeros((6, 3), np.float32)
    model.fit(inputs, targets, 2, epochs, verbose=0, callbacks=list(callbacks), shuffle=False)


def steps(folder):
    """The steps of both checkpoints."""
    found = []
    for name in ("checkpoint.weights.h5", "previous.weights.h5"):
        with h5py.File(folder / name) as file:
            found.append(int(file.attrs["step"]))
    return found


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_steps_are_counted_over_several_fits(tmp_path):
    model, checkpoint = tiny(), Checkpoint(tmp_path)
    fit(model, checkpoint, epochs=2)
    assert steps(tmp_path) == [6, 3]
    fit(model, checkpoint, epochs=1)
    assert steps(tmp_path) == [9, 6]
    assert Checkpoint(tmp_path).restore(tiny()) == 9


def test_steps_are_counted_where_several_are_executed_at_once(tmp_path):
    fit(tiny(steps_per_execution=3), Checkpoint(tmp_path), epochs=2)
    assert steps(tmp_path) == [6, 3]


def test_every_other_epoch_and_the_last_are_kept(tmp_path):
    fit(tiny(), Checkpoint(tmp_path, every=2), epochs=5)
    assert steps(tmp_path) == [15, 12]


def test_the_epoch_in_which_another_callback_stops_is_kept(tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = True

    fit(tiny(), Stop(), Checkpoint(tmp_path, every=9), epochs=5)
    assert steps(tmp_path) == [3, 0]


def test_a_damaged_checkpoint_is_passed_over(tmp_path, caplog):
    fit(tiny(), Checkpoint(tmp_path), epochs=2)
    last = tmp_path / "checkpoint.weights.h5"
    last.write_bytes(last.read_bytes()[:3000])
    model, checkpoint = tiny(), Checkpoint(tmp_path)
    assert checkpoint.restore(model) == 3
    assert f"{last} cannot be loaded" in caplog.text
    fit(model, checkpoint)
    assert steps(tmp_path) == [6, 3]


def refused(action):
    with pytest.raises(CheckpointError) as caught:
        action()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_only_damaged_checkpoints_are_refused(tmp_path):
    fit(tiny(), Checkpoint(tmp_path))
    for name in files(tmp_path):
        (tmp_path / name).write_bytes(b"damaged")
    message = refused(lambda: Checkpoint(tmp_path).restore(tiny()))
    assert f"{tmp_path / 'checkpoint.weights.h5'} cannot be loaded" in message
    assert "choose another folder" in message


@pytest.mark.filterwarnings("ignore::UserWarning")  # Keras' own, of which the error tells
@pytest.mark.parametrize("other", ["wider", "with dropout"])
def test_checkpoints_of_another_model_are_refused(tmp_path, other):
    fit(tiny(), Checkpoint(tmp_path))
    model = tiny(filters=4)
    if other == "with dropout":
        model = keras.Sequential([keras.Input((2,)), *tiny().layers, keras.layers.Dropout(0.1)])
        model.compile("adam", "mse")
    assert "another network" in refused(lambda: Checkpoint(tmp_path).restore(model))


def test_a_checkpoint_that_was_not_restored_is_not_replaced(tmp_path):
    first = Checkpoint(tmp_path)
    fit(tiny(), first)
    before = files(tmp_path)
    for checkpoint in (Checkpoint(tmp_path), first):
        message = refused(lambda checkpoint=checkpoint: fit(tiny(), checkpoint))
        assert message.startswith(f"{tmp_path} holds a checkpoint")
        assert "`restore(model)` before `fit`" in message
    assert files(tmp_path) == before


def test_models_that_cannot_be_restored_are_refused(tmp_path):
    checkpoint = Checkpoint(tmp_path)
    bare = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    assert "call `compile`" in refused(lambda: checkpoint.restore(bare))
    unbuilt = keras.Sequential([keras.layers.Dense(3)])
    unbuilt.compile("adam", "mse")
    assert "call it on a batch" in refused(lambda: checkpoint.restore(unbuilt))
    assert not files(tmp_path)


@pytest.mark.parametrize("every", [0, 1.5])
def test_an_impossible_every_is_refused(tmp_path, every):
    with pytest.raises(ValueError, match=f"at least 1. Received every={every}"):
        Checkpoint(tmp_path, every=every)


def test_what_is_not_finite_is_not_kept(tmp_path):
    model, checkpoint = tiny(), Checkpoint(tmp_path)
    fit(model, checkpoint, epochs=2)
    before = files(tmp_path)
    with pytest.raises(DivergenceError, match="not finite, at step 9.*last good state") as caught:
        fit(model, checkpoint, value=np.nan)
    assert "\n" not in str(caught.value)
    assert files(tmp_path) == before
