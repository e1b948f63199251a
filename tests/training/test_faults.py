"""What can go wrong in a run: one clear sentence each, and nothing of the run is lost."""

import contextlib
import shutil

import h5py
import keras
import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from mirnet_keras import cli
from mirnet_keras.images import write_image
from mirnet_keras.recipes import Recipe
from mirnet_keras.training import compile_model, train
from mirnet_keras.training.fitting import build
from mirnet_keras.training.run_folder import RunFolder


@pytest.fixture(scope="module")
def values(tiny):
    """Of a recipe with six reports; every other one is validated."""
    return tiny(
        arguments={"kernel_sizes": [3]},
        stages=[{"steps": 6, "crop": 16, "batch": 2}],
        report_every=1,
        validate_every=2,
        protocol="classical-y",
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    for seed, name in enumerate(["train/a", "train/b", "val/c"]):
        small = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)
        write_image(folder / f"{name}.png", small.repeat(4, axis=0).repeat(4, axis=1))
    return folder


@pytest.fixture(scope="module")
def whole(values, data, tmp_path_factory):
    """The folder of a run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    train(Recipe(**values), folder, data, verbose=0)
    return folder


@pytest.fixture(scope="module")
def stopped(values, data, tmp_path_factory):
    """Folders of the same run, interrupted in its third and fourth report: after the log's line."""
    folder = tmp_path_factory.mktemp("runs")
    kept = RunFolder.save_checkpoint
    for last in (3, 4):

        def save_or_stop(self, model, step, last=last):
            if step == last:
                raise KeyboardInterrupt
            kept(self, model, step)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(RunFolder, "save_checkpoint", save_or_stop)
            with pytest.raises(KeyboardInterrupt):
                train(Recipe(**values), folder / str(last), data, verbose=0)
    return folder


@pytest.fixture
def copied(values, stopped, data, tmp_path):
    """`copied(last)`: a folder with copies of the run stopped in a report, its data and recipe."""

    def copy(last):
        shutil.copytree(stopped / str(last), tmp_path / "run")
        shutil.copytree(data, tmp_path / "data")
        (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(values))
        return tmp_path

    return copy


def change_recipe(path, change):
    values = yaml.safe_load(path.read_text())
    change(values)
    path.write_text(yaml.safe_dump(values))


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def refused(root, data="data"):
    """Runs the command, which must fail as a user's mistake does; returns what it says."""
    command = ["train", root / "tiny.yaml", "--out", root / "run", "--data", root / data]
    result = CliRunner().invoke(cli.app, [str(argument) for argument in command])
    assert result.exit_code == 2, (result.output, result.exception)
    assert result.stderr.startswith("mirnet-keras: ")
    return result.stderr.removeprefix("mirnet-keras: ").removesuffix("\n")


def misspell(root):
    change_recipe(root / "tiny.yaml", lambda values: values.update(rat=1e-3))


def lose_folder(root):
    (root / "data/train").rename(root / "data/trian")


def shrink_picture(root):
    write_image(root / "data/train/b.png", np.zeros((15, 40, 3), np.uint8))


def widen_network(root):
    change_recipe(root / "tiny.yaml", lambda values: values["arguments"].update(filters=6))


def lose_recipe_and_widen_network(root):
    (root / "run/recipe.yaml").unlink()
    widen_network(root)


@pytest.mark.filterwarnings("ignore::UserWarning")  # Keras' own, of which the error tells
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (misspell, ["tiny.yaml: ", "unknown key 'rat'", "Did you mean 'rate'?"]),
        (lose_folder, ["data/train' does not exist", "Give the path of a folder"]),
        (
            shrink_picture,
            ["b.png: is (14, 40) pixels, smaller than the crop of 16", "leave it out"],
        ),
        (widen_network, ["'filters': 4", "'filters': 6", "another folder"]),
        (
            lose_recipe_and_widen_network,
            ["checkpoint.weights.h5", "of another network", "Choose another folder"],
        ),
    ],
    ids=lambda case: case.__name__ if callable(case) else "",
)
def test_a_fault_is_one_sentence_and_the_run_is_as_it_was(copied, fault, words):  # C19, C20
    root = copied(3)
    fault(root)
    before = files(root / "run")
    message = refused(root)
    for word in words:
        assert word in message
    assert len(message.splitlines()) == (2 if fault is shrink_picture else 1)  # one for each file
    assert files(root / "run") == before


def same_as_the_whole_run(folder, whole):
    ours, theirs = (keras.saving.load_model(run / "last.keras") for run in (folder, whole))
    for our, their in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(our, their)
    assert (folder / "log.csv").read_text() == (whole / "log.csv").read_text()


def steps(folder):
    """The steps of both checkpoints; None for one that cannot be read."""
    found = []
    for name in ("checkpoint.weights.h5", "previous.weights.h5"):
        try:
            with h5py.File(folder / name) as file:
                found.append(int(file.attrs["step"]))
        except OSError:
            found.append(None)
    return found


def test_a_damaged_checkpoint_costs_one_report(values, copied, whole, caplog):
    run = copied(4) / "run"
    assert steps(run) == [3, 2]
    data = (run / "checkpoint.weights.h5").read_bytes()
    (run / "checkpoint.weights.h5").write_bytes(data[:5000])
    train(Recipe(**values), run, run.parent / "data", verbose=0)
    assert f"{run / 'checkpoint.weights.h5'} cannot be loaded" in caplog.text
    assert f"The run goes on from {run / 'previous.weights.h5'}, step 2." in caplog.text
    same_as_the_whole_run(run, whole)
    assert steps(run) == [6, 5]


def test_a_damaged_checkpoint_does_not_replace_a_good_one(values, copied):
    run = copied(4) / "run"
    (run / "checkpoint.weights.h5").write_bytes(b"damaged")
    assert steps(run) == [None, 2]
    plan = Recipe(**values)
    model = build(plan)
    compile_model(model, plan)
    folder = RunFolder(run, plan)
    assert folder.load_checkpoint(model) == 2
    folder.save_checkpoint(model, 3)
    assert steps(run) == [3, 2]
    folder.save_checkpoint(model, 4)
    assert steps(run) == [4, 3]


def test_killed_between_the_names_of_two_checkpoints(values, copied, whole, caplog):
    run = copied(4) / "run"
    (run / "checkpoint.weights.h5").replace(run / "previous.weights.h5")
    train(Recipe(**values), run, run.parent / "data", verbose=0)
    assert "cannot be loaded" not in caplog.text
    same_as_the_whole_run(run, whole)


def test_two_damaged_checkpoints_are_refused(copied):
    root = copied(4)
    for name in ("checkpoint.weights.h5", "previous.weights.h5"):
        (root / "run" / name).write_bytes(b"damaged")
    before = files(root / "run")
    assert "run/checkpoint.weights.h5 cannot be loaded" in refused(root)
    assert files(root / "run") == before


@contextlib.contextmanager
def no_file_larger_than(size):
    """Lets writing fail as on a full disk: HDF5 would end the process on both."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(
    ("last", "size", "name"),
    [
        (3, 0, "log.csv"),  # which is cut when the run goes on
        (3, "half a line", "log.csv"),
        (3, 20_000, "checkpoint.weights.h5"),
        (4, 20_000, "best.keras"),  # the fourth report is validated
    ],
)
def test_on_a_full_disk_the_run_stays_and_goes_on(values, copied, whole, last, size, name):
    root = copied(last)
    before = files(root / "run")
    if size == "half a line":
        size = len(b"".join(before["log.csv"].splitlines(keepends=True)[:-1])) + 5
    with no_file_larger_than(size):
        message = refused(root)
    assert message == (
        f"{root / 'run' / name} cannot be written: File too large. Once that is mended, for "
        "instance by making room, the same command goes on from the last report."
    )
    after = files(root / "run")
    assert after.keys() == before.keys()
    for kept in ("checkpoint.weights.h5", "previous.weights.h5", "best.keras", "recipe.yaml"):
        assert after.get(kept) == before.get(kept)
    train(Recipe(**values), root / "run", root / "data", verbose=0)
    same_as_the_whole_run(root / "run", whole)
