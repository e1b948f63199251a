import csv
import importlib
import shutil

import h5py
import keras
import numpy as np
import pytest

from mirnet_keras.images import write_image
from mirnet_keras.models import AWSRN, MODELS
from mirnet_keras.recipes import PairedData, Recipe, RecipeError
from mirnet_keras.training import callbacks, compile_model, train
from mirnet_keras.training.callbacks import KeepCheckpoint
from mirnet_keras.training.divergence import DivergenceError
from mirnet_keras.training.run_folder import RunFolder
from mirnet_keras.weights import transfer_by_name

fitting = importlib.import_module("mirnet_keras.training.fitting")
training = importlib.import_module("mirnet_keras.training.train")

NETWORK = {"blocks": 1, "units": 1, "filters": 4, "wide_filters": 8, "kernel_sizes": [3, 5]}


@pytest.fixture(scope="module")
def recipe(tiny):
    """`recipe(**changes)`: of 12 steps, 6 reports and 3 validations."""
    values = tiny(
        arguments=NETWORK,
        stages=[{"steps": 5, "crop": 16, "batch": 2}, {"steps": 7, "crop": 24, "batch": 1}],
        warm_up=3,
        ema=0.9,
        report_every=2,
        validate_every=4,
        protocol="classical-y",
    )
    return lambda **changes: Recipe(**(values | changes))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    for seed, name in enumerate(["train/a", "train/b", "train/c", "val/d"]):
        small = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)
        write_image(folder / f"{name}.png", small.repeat(4, axis=0).repeat(4, axis=1))
    return folder


@pytest.fixture(scope="module")
def finished(recipe, data, tmp_path_factory):
    """The folder of a run of 12 steps, 6 reports, 3 validations, and the model it returned."""
    folder = tmp_path_factory.mktemp("runs") / "finished"
    return folder, train(recipe(), folder, data, verbose=0)


def lines(folder):
    with (folder / "log.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def checkpoint(folder):
    """All arrays of a checkpoint by name: weights, moments, averages, step."""
    arrays = {}
    with h5py.File(folder / "checkpoint.weights.h5") as file:
        file.visititems(
            lambda name, item: arrays.update({name: item[()]} if hasattr(item, "shape") else {})
        )
    return arrays


def weights(path):
    return keras.saving.load_model(path).get_weights()


def equal(first, second):
    assert len(first) == len(second)
    for ours, theirs in zip(first, second, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_what_a_run_leaves(finished):
    folder, model = finished
    assert sorted(path.name for path in folder.iterdir() if path.is_file()) == [
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
    ]
    assert [line["epoch"] for line in lines(folder)] == ["0", "1", "2", "3", "4", "5"]
    assert {"loss", "val_psnr", "val_ssim"} <= lines(folder)[0].keys()
    assert all(np.isfinite(float(line["loss"])) for line in lines(folder))
    assert float(lines(folder)[-1]["val_psnr"]) > 5
    equal(weights(folder / "last.keras"), model.get_weights())
    assert (model.network, model.arguments["filters"], model.name) == ("awsrn", 4, "tiny")


def test_last_holds_the_averages_and_the_checkpoint_the_raw_weights(recipe, finished):
    folder, model = finished
    raw = compiled(recipe())
    assert RunFolder(folder, recipe()).load_checkpoint(raw) == 12
    averages = [np.asarray(v) for v in raw.optimizer._model_variables_moving_average]
    equal(averages, model.get_weights())
    assert any((a != b).any() for a, b in zip(averages, raw.get_weights(), strict=True))


def test_best_is_the_best_validated(finished):
    folder, _ = finished
    validated = [float(line["val_psnr"]) for line in lines(folder)[1::2]]
    assert max(validated) == max(float(line["val_psnr"]) for line in lines(folder)[1:])
    if validated[-1] == max(validated):
        equal(weights(folder / "best.keras"), weights(folder / "last.keras"))


def test_the_models_are_kept_without_the_optimizer(finished):
    for name in ("best.keras", "last.keras"):
        assert not keras.saving.load_model(finished[0] / name).compiled


def test_validating_copies_no_network(recipe, data, tmp_path, monkeypatch):
    """A copy would be compiled again at each validation."""
    seen = []
    scores = callbacks.whole_picture_scores
    monkeypatch.setattr(
        callbacks, "whole_picture_scores", lambda *args: seen.append(args[0]) or scores(*args)
    )
    train(recipe(), tmp_path, data, verbose=0)
    assert len(seen) == 3 and seen[0] is seen[1] is seen[2]


def test_a_finished_run_is_not_trained_again(recipe, finished, data, monkeypatch):
    folder, model = finished
    before = contents(folder)
    monkeypatch.setattr(keras.Model, "fit", None)
    equal(train(recipe(), folder, data, verbose=0).get_weights(), model.get_weights())
    assert contents(folder) == before


class Interrupt(keras.callbacks.Callback):
    """Stops as Ctrl-C does, at the end of a report."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self.epoch:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def interrupted(recipe, data, tmp_path_factory):
    """The same run as `finished`, interrupted twice.

    First at report 2, when its log line was written but not its checkpoint; then at report 4,
    behind the checkpoint.
    """
    folder = tmp_path_factory.mktemp("runs") / "interrupted"
    with pytest.MonkeyPatch.context() as patch:
        for epoch, behind in ((2, 0), (4, 1)):

            class Interrupted(KeepCheckpoint):
                """Ctrl-C before (0) or behind (1) writing the checkpoint."""

                def on_epoch_end(self, epoch, logs=None, last=epoch, behind=behind):
                    if epoch != last or behind:
                        super().on_epoch_end(epoch, logs)
                    Interrupt(last).on_epoch_end(epoch)

            patch.setattr(fitting, "KeepCheckpoint", Interrupted)
            with pytest.raises(KeyboardInterrupt):
                train(recipe(), folder, data, verbose=0)
            assert not (folder / "last.keras").exists()
            assert '"verdict": "unfinished"' in (folder / "report.json").read_text()
            assert len(lines(folder)) == epoch + 1
            assert int(checkpoint(folder)["optimizer/vars/0"]) == {2: 4, 4: 10}[epoch]
    (folder / "writing.checkpoint.weights.h5").write_bytes(b"killed while writing")
    return folder, train(recipe(), folder, data, verbose=0)


def test_an_interrupted_run_ends_with_the_same_bits(finished, interrupted):
    equal(finished[1].get_weights(), interrupted[1].get_weights())
    for name in ("last.keras", "best.keras"):
        equal(weights(finished[0] / name), weights(interrupted[0] / name))
    whole, parts = checkpoint(finished[0]), checkpoint(interrupted[0])
    assert whole.keys() == parts.keys()
    assert len(whole) > 4 * len(finished[1].weights)  # weights, two moments and averages
    for name in whole:
        np.testing.assert_array_equal(whole[name], parts[name], err_msg=name)


def test_an_interrupted_run_has_the_same_losses_in_its_log(finished, interrupted):
    whole, parts = lines(finished[0]), lines(interrupted[0])
    assert [(x["epoch"], x["loss"]) for x in whole] == [(x["epoch"], x["loss"]) for x in parts]


def test_an_interrupted_run_has_the_same_log(finished, interrupted):
    assert (finished[0] / "log.csv").read_text() == (interrupted[0] / "log.csv").read_text()


def test_another_recipe_in_the_same_folder_is_refused(recipe, finished, data):  # C21
    folder, _ = finished
    before = contents(folder)
    with pytest.raises(RecipeError, match="another recipe: rate was 0.01, is 0.02") as caught:
        train(recipe(rate=0.02), folder, data, verbose=0)
    assert "\n" not in str(caught.value)
    assert contents(folder) == before


def compiled(wanted):
    model = MODELS[wanted.network](**wanted.arguments)
    compile_model(model, wanted)
    return model


def refused_checkpoint(folder, wanted):
    before = folder.checkpoint.read_bytes()
    with pytest.raises(RecipeError, match="damaged or of another network") as caught:
        folder.load_checkpoint(compiled(wanted))
    assert "\n" not in str(caught.value)
    assert folder.checkpoint.read_bytes() == before


@pytest.mark.filterwarnings("ignore::UserWarning")  # Keras' own, of which the error tells
@pytest.mark.parametrize(
    "changes",
    [
        {"arguments": NETWORK | {"scale": 2, "filters": 6}},
        {"arguments": NETWORK | {"scale": 2, "blocks": 2}},
        {
            "network": "mirnet_v2",
            "arguments": {"filters": 4, "convolution_groups": [1]},
            "data": {"kind": "paired", "inputs": "low", "targets": "high"},
        },
    ],
    ids=["wider", "deeper", "other network"],
)
def test_a_checkpoint_of_another_network_is_refused(recipe, finished, tmp_path, changes):
    folder = RunFolder(tmp_path, recipe(**changes))
    shutil.copy(finished[0] / "checkpoint.weights.h5", folder.checkpoint)
    refused_checkpoint(folder, recipe(**changes))


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_checkpoint_that_holds_more_than_the_network_is_refused(recipe, tmp_path):
    larger = compiled(recipe(arguments=NETWORK | {"scale": 2, "blocks": 2}))
    larger.optimizer.build(larger.trainable_variables)
    folder = RunFolder(tmp_path, recipe())
    folder.save_checkpoint(larger, 12)
    refused_checkpoint(folder, recipe())


def test_a_damaged_checkpoint_is_refused(recipe, finished, tmp_path):
    folder = RunFolder(tmp_path, recipe())
    data = (finished[0] / "checkpoint.weights.h5").read_bytes()
    for kept in (0, 5000, len(data) - 100):
        folder.checkpoint.write_bytes(data[:kept])
        refused_checkpoint(folder, recipe())


def test_diverged_training_stops_and_keeps_the_last_good_checkpoint(recipe, data, tmp_path):
    wild = recipe(rate=1e25, warm_up=0, report_every=1, validate_every=12, ema=0)
    with pytest.raises(DivergenceError, match=r"Step \d+ is not finite.*checkpoint"):
        train(wild, tmp_path, data, verbose=0)
    assert not (tmp_path / "last.keras").exists()
    kept = checkpoint(tmp_path)
    assert int(kept["optimizer/vars/0"]) == len(lines(tmp_path)) - 1 >= 1
    assert all(np.isfinite(array).all() for name, array in kept.items() if "layers" in name)


def test_start_from_carries_weights_and_the_result_is_float32(recipe, finished, data, tmp_path):
    source = finished[0] / "last.keras"
    still = recipe(
        start_from=str(source),
        rate=1e-30,
        final_rate=0,
        warm_up=0,
        seed=1,
        stages=[{"steps": 1, "crop": 16, "batch": 1}],
        report_every=1,
        validate_every=1,
        precision="mixed_bfloat16",
    )
    model = train(still, tmp_path, data, verbose=0)
    equal(model.get_weights(), finished[1].get_weights())
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
    assert keras.config.dtype_policy().name == "float32"


def test_weights_are_carried_where_name_and_shape_fit(finished):
    target = AWSRN(**(NETWORK | {"scale": 3}), name="other")
    before = target.get_weights()
    carried = len(target.variables) - len(transfer_by_name(finished[1], target))
    fitting = 0
    source = {v.path: np.asarray(v) for v in finished[1].variables}
    for variable, old in zip(target.variables, before, strict=True):
        theirs = source[variable.path]
        fits = theirs.shape == variable.shape
        np.testing.assert_array_equal(np.asarray(variable), theirs if fits else old)
        fitting += fits
    assert carried == fitting
    assert 0 < fitting < len(before)  # skip and reconstruction have other widths


@pytest.fixture
def rates(recipe):
    """`rates(steps, **changes)`: the learning rate at each of the steps."""

    def at(steps, **changes):
        schedule = training._schedule(recipe(**changes))
        return [float(np.asarray(schedule(step))) for step in steps]

    return at


def test_cosine_schedule_with_warm_up(rates):
    stages = [{"steps": 1100, "crop": 16, "batch": 1}]
    found = rates([0, 50, 100, 600, 1100], stages=stages, warm_up=100, rate=1e-2, final_rate=1e-4)
    # Rises in a straight line, from a hundredth, to step 100; half way down at step 600.
    np.testing.assert_allclose(found, [1e-4, 5.05e-3, 1e-2, (1e-2 + 1e-4) / 2, 1e-4], rtol=1e-4)


def test_cosine_schedule_without_warm_up(rates):
    stages = [{"steps": 300, "crop": 16, "batch": 1}, {"steps": 700, "crop": 16, "batch": 1}]
    found = rates([0, 250, 500, 1000], stages=stages, warm_up=0, rate=1e-2, final_rate=0)
    expected = [1e-2, 1e-2 * (1 + np.sqrt(0.5)) / 2, 5e-3, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-9)


def test_step_schedule(rates):
    found = rates([0, 99, 101, 199, 201], schedule="step", warm_up=0, rate=8e-3, decay_every=100)
    np.testing.assert_allclose(found, [8e-3, 8e-3, 4e-3, 4e-3, 2e-3], rtol=1e-6)


def test_compiled_as_the_recipe_says(recipe):
    model = MODELS["awsrn"](**recipe().arguments)
    compile_model(model, recipe(clip_norm=0.5, ema=0.99, loss="charbonnier"))
    assert model.optimizer.global_clipnorm == 0.5
    assert (model.optimizer.use_ema, model.optimizer.ema_momentum) == (True, 0.99)
    assert type(model.loss).__name__ == "Charbonnier"
    compile_model(model, recipe(ema=0))
    assert not model.optimizer.use_ema


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"arguments": NETWORK | {"scale": 2, "kernel_sizes": (3, 5)}},
        {
            "network": "mirnet",
            "arguments": {},
            "data": PairedData(inputs="low", targets="high"),
        },
    ],
    ids=["values", "tuple", "objects"],
)
def test_the_folder_knows_its_recipe_again(recipe, tmp_path, changes):
    RunFolder(tmp_path, recipe(**changes))
    RunFolder(tmp_path, recipe(**changes))


def test_a_run_killed_before_its_last_file_was_written(recipe, finished, data, tmp_path):
    for name in ("recipe.yaml", "log.csv", "checkpoint.weights.h5", "best.keras"):
        shutil.copy(finished[0] / name, tmp_path / name)
    equal(train(recipe(), tmp_path, data, verbose=0).get_weights(), finished[1].get_weights())


def test_arguments_that_do_not_fit_the_network_leave_nothing_behind(recipe, data, tmp_path):
    wrong = recipe(arguments=NETWORK | {"scale": 1})
    with pytest.raises(RecipeError, match="do not fit the network 'awsrn'.*scale"):
        train(wrong, tmp_path, data, verbose=0)
    RunFolder(tmp_path, recipe())  # the corrected recipe may use the same folder


@pytest.mark.parametrize(
    ("policy", "lacks", "warned"),
    [("mixed_bfloat16", True, True), ("mixed_bfloat16", False, False), ("float32", True, False)],
)
def test_a_precision_that_is_slow_here_is_named(policy, lacks, warned, monkeypatch, caplog):
    monkeypatch.setattr(fitting.machine, "lacks_bfloat16", lambda: lacks)
    with fitting.precision(policy):
        assert keras.config.dtype_policy().name == policy
    assert ("precision: float32" in caplog.text) is warned
