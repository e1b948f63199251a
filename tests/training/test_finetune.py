import importlib
import json

import keras
import numpy as np
import pytest

from mirnet_keras.data import DataError, SuperResolutionImages
from mirnet_keras.images import write_image
from mirnet_keras.models import AWSRN, SPSAGAN, MIRNetV2
from mirnet_keras.recipes import RecipeError
from mirnet_keras.training import callbacks, finetune
from mirnet_keras.training.finetune import split

module = importlib.import_module("mirnet_keras.training.finetune")
fitting = importlib.import_module("mirnet_keras.training.fitting")


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(module, "REPORT_EVERY", 4)


def picture(seed, side=32):
    small = np.random.default_rng(seed).integers(0, 256, (side // 4, side // 4, 3), np.uint8)
    return small.repeat(4, axis=0).repeat(4, axis=1)


@pytest.fixture
def sharp(tmp_path):
    for seed in range(6):
        write_image(tmp_path / "sharp" / f"{seed}.png", picture(seed))
    return tmp_path / "sharp"


@pytest.fixture
def awsrn(tmp_path):
    keras.utils.set_random_seed(0)
    model = AWSRN(scale=2, blocks=1, units=1, filters=4, wide_filters=8, kernel_sizes=(3,))
    model.save(tmp_path / "awsrn.keras")
    return tmp_path / "awsrn.keras"


def weights(path):
    return {v.path: np.asarray(v) for v in keras.saving.load_model(path).variables}


def test_every_fifth_picture_is_held_out(sharp):
    training, held_out = split(SuperResolutionImages(sharp, 2))
    assert (training.indices, held_out.indices) == ([0, 1, 2, 3, 5], [4])
    assert (len(training), len(training.sizes), training.scale) == (5, 5, 2)
    np.testing.assert_array_equal(held_out.pair(0)[1], picture(4))


def test_a_preset_gets_better_on_the_pictures_held_out(sharp, awsrn, tmp_path):
    result = finetune(awsrn, sharp, tmp_path / "run", steps=12, rate=1e-2, verbose=0)
    assert result.improved and result.after[0] > result.before[0] + 1
    assert (result.trained_on, result.held_out, result.protocol) == (5, 1, "classical-y")
    assert result.model == str(tmp_path / "run" / "best.keras")
    kept = json.loads((tmp_path / "run" / "before_after.json").read_text())
    assert kept["improved"] is True and kept["after"] == list(result.after)
    again = finetune(awsrn, sharp, tmp_path / "run", steps=12, rate=1e-2, verbose=0)
    assert again == result


@pytest.mark.slow
def test_it_ends_early_and_then_names_the_preset(sharp, awsrn, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 1)
    first = finetune(awsrn, sharp, tmp_path / "a", steps=12, rate=1e-2, verbose=0)
    result = finetune(first.model, sharp, tmp_path / "b", steps=400, rate=0.9, verbose=0)
    assert not result.improved and result.model == first.model
    lines = (tmp_path / "b" / "log.csv").read_text().splitlines()
    assert len(lines) < 100
    finetune(first.model, sharp, tmp_path / "b", steps=400, rate=0.9, verbose=0)
    assert (tmp_path / "b" / "log.csv").read_text().splitlines() == lines


@pytest.fixture
def falling(monkeypatch):
    """`falling()`: from now on validations give these scores, whatever the network does."""

    def begin():
        scores = iter([20.0, 21.0, 20.9, 20.8, 20.7, 20.6, 20.5, 20.4])
        monkeypatch.setattr(callbacks, "whole_picture_scores", lambda *_: (next(scores), 0.5))

    monkeypatch.setattr(module, "PATIENCE", 3)
    return begin


class KilledError(RuntimeError):
    pass


def kills(after):
    """A `KeepCheckpoint` that ends the run behind its checkpoint after so many reports."""

    class Killed(callbacks.KeepCheckpoint):
        def on_epoch_end(self, epoch, logs=None):
            super().on_epoch_end(epoch, logs)
            if epoch == after - 1:
                raise KilledError

    return Killed


@pytest.mark.parametrize(
    "after",
    # 5: of the run, only the last file is missing
    [pytest.param(1, marks=pytest.mark.slow), 4, pytest.param(5, marks=pytest.mark.slow)],
)
def test_patience_goes_on_where_it_was_interrupted(
    sharp, awsrn, tmp_path, monkeypatch, falling, after
):
    def tuned(name):
        finetune(awsrn, sharp, tmp_path / name, steps=32, rate=1e-2, verbose=0)
        return (tmp_path / name / "log.csv").read_text(), weights(tmp_path / name / "last.keras")

    falling()
    log, expected = tuned("whole")
    assert len(log.splitlines()) == 1 + 5  # three reports after the best, which was the second
    falling()
    with monkeypatch.context() as patch:
        patch.setattr(fitting, "KeepCheckpoint", kills(after))
        with pytest.raises(KilledError):
            tuned("parts")
    again, found = tuned("parts")
    assert again == log
    for path, value in expected.items():
        np.testing.assert_array_equal(found[path], value, err_msg=path)


def test_a_frozen_layer_stays(sharp, awsrn, tmp_path):
    name = next(layer.name for layer in keras.saving.load_model(awsrn).layers if layer.weights)
    finetune(awsrn, sharp, tmp_path / "run", steps=4, rate=1e-2, frozen=(name,), verbose=0)
    before, after = weights(awsrn), weights(tmp_path / "run" / "last.keras")
    changed = {path.split("/")[0] for path in before if (before[path] != after[path]).any()}
    assert changed and name not in changed


def test_an_unknown_layer_is_named(sharp, awsrn, tmp_path):
    with pytest.raises(RecipeError, match="no layer 'nothing' to freeze. It has"):
        finetune(awsrn, sharp, tmp_path / "run", frozen=("nothing",), verbose=0)


@pytest.mark.slow
def test_pairs_for_networks_that_do_not_enlarge(tmp_path):
    MIRNetV2(filters=8, blocks=1, convolution_groups=(1,)).save(tmp_path / "m.keras")
    for seed in range(2):
        write_image(tmp_path / "low" / f"{seed}.png", picture(seed) // 4)
        write_image(tmp_path / "high" / f"{seed}.png", picture(seed))
    result = finetune(tmp_path / "m.keras", tmp_path, tmp_path / "run", steps=4, verbose=0)
    assert (result.trained_on, result.held_out, result.protocol) == (1, 1, "rgb")
    with pytest.raises(DataError, match="does not hold the folders low/ and high/, or noisy/"):
        finetune(tmp_path / "m.keras", tmp_path / "low", tmp_path / "run2", verbose=0)


def test_what_cannot_be_finetuned(awsrn, tmp_path):
    write_image(tmp_path / "one" / "a.png", picture(0))
    with pytest.raises(DataError, match="two pictures at least"):
        finetune(awsrn, tmp_path / "one", tmp_path / "run", verbose=0)
    for name in "ab":
        write_image(tmp_path / "small" / f"{name}.png", picture(0)[:12, :12])
    with pytest.raises(DataError, match="a side of 12 pixels: at least 16 are needed"):
        finetune(awsrn, tmp_path / "small", tmp_path / "run", verbose=0)
    model = SPSAGAN(filters=6, blocks=1, growth=3, cond_hidden=8, cond_channels=4)
    model.save(tmp_path / "s.keras")
    with pytest.raises(RecipeError, match="takes a segmentation"):
        finetune(tmp_path / "s.keras", tmp_path / "one", tmp_path / "run", verbose=0)
