"""A run goes on with the pictures that it began with alone."""

import shutil

import numpy as np
import pytest
import yaml

from mirnet_keras import __version__
from mirnet_keras.data import CleanImages, MixedImages, PairedImages, SegmentedBatches, Stage
from mirnet_keras.images import write_image
from mirnet_keras.recipes import Recipe, RecipeError
from mirnet_keras.segmentation import prior
from mirnet_keras.training import train
from mirnet_keras.training.fingerprint import fingerprint


def picture(seed=0):
    return np.random.default_rng(seed).integers(0, 256, (20, 20, 3), np.uint8)


@pytest.fixture(scope="module")
def recipe(tiny):
    stages = [{"steps": 1, "crop": 16, "batch": 1}]
    data = {"kind": "super_resolution", "folders": ["hr"]}
    return Recipe(**tiny(data=data, stages=stages, report_every=1, validate_every=1))


@pytest.fixture(scope="module")
def trained(recipe, tmp_path_factory):
    """A folder with the pictures `data/hr` and the run on them, `run`."""
    root = tmp_path_factory.mktemp("trained")
    for name in ("a", "b"):
        write_image(root / f"data/hr/{name}.png", picture())
    train(recipe, root / "run", root / "data", verbose=0)
    return root


@pytest.fixture
def copied(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "copied")


def add(folder):
    write_image(folder / "0.png", picture())


def rename(folder):
    (folder / "a.png").rename(folder / "c.png")


def replace(folder):
    write_image(folder / "b.png", np.zeros((20, 20, 3), np.uint8))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (add, "it began with 2 picture files, now there are 3"),
        (rename, "there are 2 picture files as before, but other names, sizes or order"),
        (replace, "there are 2 picture files as before, but other names, sizes or order"),
    ],
)
def test_other_pictures_are_refused_and_the_run_is_as_it_was(recipe, copied, change, words):
    change(copied / "data/hr")
    before = {path: path.read_bytes() for path in (copied / "run").iterdir()}
    with pytest.raises(RecipeError, match=words) as caught:
        train(recipe, copied / "run", copied / "data", verbose=0)
    assert f"another folder, with `start_from: {copied / 'run'}`" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert {path: path.read_bytes() for path in (copied / "run").iterdir()} == before


def test_the_data_may_move(recipe, copied):
    (copied / "data").rename(copied / "elsewhere")
    train(recipe, copied / "run", copied / "elsewhere", verbose=0)


def test_a_run_of_an_older_version_goes_on_and_is_known_from_then_on(recipe, copied):
    kept = copied / "run/data.yaml"
    expected = kept.read_text()
    kept.unlink()
    train(recipe, copied / "run", copied / "data", verbose=0)
    assert kept.read_text() == expected
    values = yaml.safe_load(expected)
    assert (values["files"], values["mirnet_keras"]) == (2, __version__)


def test_before_the_first_checkpoint_pictures_may_change(recipe, copied):
    for name in ("checkpoint.weights.h5", "previous.weights.h5", "last.keras"):
        (copied / "run" / name).unlink()
    add(copied / "data/hr")
    train(recipe, copied / "run", copied / "data", verbose=0)
    assert yaml.safe_load((copied / "run/data.yaml").read_text())["files"] == 3


def test_every_kind_of_data_names_its_files(tmp_path):
    for name in ("low/a", "high/a", "clean/b"):
        write_image(tmp_path / f"{name}.png", picture())
    pairs = PairedImages(tmp_path / "low", tmp_path / "high")
    clean = CleanImages(tmp_path / "clean")
    pair = [tmp_path / "low/a.png", tmp_path / "high/a.png"]
    assert pairs.files == pair
    assert MixedImages([pairs, clean], [1, 3]).files == [*pair, tmp_path / "clean/b.png"]
    sources = [[tmp_path / "high"], [tmp_path / "clean"]]
    stages = [Stage(steps=1, crop=16, batch=1)]
    segmented = SegmentedBatches(sources, [prior(None, 4)] * 2, stages)
    assert segmented.files == [tmp_path / "high/a.png", tmp_path / "clean/b.png"]


def test_the_order_counts_and_no_file_is_read(tmp_path):
    files = [tmp_path / "a.png", tmp_path / "b.png"]
    for file in files:
        with file.open("wb") as stream:
            stream.truncate(2**33)  # of which nothing is written
    assert fingerprint(files) == fingerprint(files)
    assert fingerprint(files) != fingerprint(files[::-1])
