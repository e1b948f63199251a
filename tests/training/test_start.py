"""A training starts from a preset, a file, or another run, whatever that has kept."""

import shutil

import keras
import numpy as np
import pytest

from mirnet_keras.images import write_image
from mirnet_keras.models import AWSRN, MIRNetV2
from mirnet_keras.presets import PresetError, load
from mirnet_keras.recipes import Recipe, RecipeError
from mirnet_keras.training import train
from mirnet_keras.training.divergence import way_out
from mirnet_keras.training.run_folder import RunFolder
from mirnet_keras.training.start import start_from


@pytest.fixture(scope="module")
def recipe(tiny):
    """`recipe(**changes)`: of one step, which without averages ends with its raw weights."""
    values = tiny(
        arguments={"kernel_sizes": [3]},
        stages=[{"steps": 1, "crop": 16, "batch": 1}],
        report_every=1,
        validate_every=1,
        ema=0,
    )
    return lambda **changes: Recipe(**(values | changes))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    for seed, name in enumerate(["train/a", "val/b"]):
        image = np.random.default_rng(seed).integers(0, 256, (24, 24, 3), np.uint8)
        write_image(folder / f"{name}.png", image)
    return folder


@pytest.fixture(scope="module")
def finished(recipe, data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    train(recipe(), folder, data, verbose=0)
    return folder


@pytest.fixture
def kept(finished, tmp_path):
    """`kept(*names)`: the folder of a run that has kept its recipe and these files alone."""

    def copy(*names):
        for name in ("recipe.yaml", *names):
            shutil.copy(finished / name, tmp_path / name)
        return tmp_path

    return copy


def weights_from(source, recipe):
    model = AWSRN(**recipe().arguments)
    start_from(str(source), model)
    return model.get_weights()


def equal(first, second):
    for ours, theirs in zip(first, second, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("name", ["best.keras", "last.keras", "checkpoint.weights.h5"])
def test_the_folder_of_a_run_gives_its_weights(recipe, kept, finished, name):
    expected = keras.saving.load_model(finished / "last.keras").get_weights()
    equal(weights_from(kept(name), recipe), expected)


def test_a_damaged_checkpoint_is_passed_over(recipe, kept):
    folder = kept("checkpoint.weights.h5")
    expected = weights_from(folder, recipe)
    (folder / "checkpoint.weights.h5").rename(folder / "previous.weights.h5")
    (folder / "checkpoint.weights.h5").write_bytes(b"damaged")
    equal(weights_from(folder, recipe), expected)


def test_the_best_network_is_taken_before_the_last(recipe, kept):
    folder = kept("best.keras", "last.keras")
    other = AWSRN(**recipe().arguments)
    other.save(folder / "best.keras")
    equal(weights_from(folder, recipe), other.get_weights())


def test_a_run_in_two_steps_gives_its_first_until_the_second_has_a_network(recipe, kept):
    folder = kept("last.keras")
    shutil.copytree(folder, folder / "two/step_1")
    equal(weights_from(folder / "two", recipe), weights_from(folder, recipe))


def test_a_run_with_nothing_to_read_is_named(recipe, kept):
    folder = kept()
    for content in (None, b"damaged"):
        if content is not None:
            (folder / "checkpoint.weights.h5").write_bytes(content)
            (folder / "previous.weights.h5").write_bytes(content)
        with pytest.raises(RecipeError, match="has kept no weights that can be read") as caught:
            weights_from(folder, recipe)
        assert "\n" not in str(caught.value)
    with pytest.raises(PresetError, match="There is no preset"):
        weights_from("nothing", recipe)


def test_a_preset_is_found_before_a_folder_of_its_name(recipe, kept, monkeypatch):
    shutil.copytree(kept("last.keras"), kept() / "runs/awsrn_s_x2")
    monkeypatch.chdir(kept() / "runs")
    expected = load("awsrn_s_x2")
    model = AWSRN(**expected.arguments)
    start_from("awsrn_s_x2", model)
    equal(model.get_weights(), expected.get_weights())


def test_a_diverged_run_is_taken_up_with_a_lower_rate(recipe, data, kept, tmp_path):
    folder = kept("checkpoint.weights.h5")
    with pytest.raises(RecipeError, match="another recipe"):
        RunFolder(folder, recipe(rate=1e-3))
    lower = recipe(rate=1e-30, final_rate=0, start_from=str(folder))
    model = train(lower, tmp_path / "lower", data, verbose=0)
    equal(model.get_weights(), weights_from(folder, recipe))


def test_in_the_second_step_the_first_can_be_kept(recipe, kept, finished, tmp_path):
    assert f"copy of {tmp_path / 'step_1'}" in way_out(tmp_path, in_second_step=True)
    other = recipe().model_copy(update={"name": "mine"})  # a recipe file of another name
    RunFolder(kept("last.keras"), other)
    with pytest.raises(RecipeError, match="rate was"):
        RunFolder(tmp_path, other.model_copy(update={"rate": 1e-5}))


def test_a_network_of_which_nothing_fits_is_refused(kept):
    other = MIRNetV2(filters=8, blocks=1, convolution_groups=(1,), name="other")
    with pytest.raises(RecipeError, match="has no weight whose name and shape fit 'other'"):
        start_from(str(kept("last.keras")), other)


def test_files_that_a_run_would_replace_are_not_touched(recipe, tmp_path):
    log = tmp_path / "log.csv"
    log.write_text("0,1\n1,2\n")
    with pytest.raises(RecipeError, match=r"holds no run, but files .*: log\.csv\. Choose another"):
        RunFolder(tmp_path, recipe())
    assert log.read_text() == "0,1\n1,2\n"
    assert [path.name for path in tmp_path.iterdir()] == ["log.csv"]
