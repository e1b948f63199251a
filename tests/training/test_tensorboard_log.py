import importlib

import keras
import numpy as np
import pytest

from mirnet_keras.images import decode_image, write_image
from mirnet_keras.models import AWSRN
from mirnet_keras.recipes import Recipe
from mirnet_keras.training import train
from mirnet_keras.training.tensorboard_log import PICTURES, SIDE, picture_grid

module = importlib.import_module("mirnet_keras.training.tensorboard_log")

NETWORK = {"scale": 2, "blocks": 1, "units": 1, "filters": 4, "wide_filters": 8}
RECIPE = Recipe(
    name="tiny",
    network="awsrn",
    arguments=NETWORK,
    data={"kind": "super_resolution", "folders": ["pictures"], "validation": "pictures"},
    stages=[{"steps": 8, "crop": 16, "batch": 1}],
    precision="float32",
    report_every=2,
    validate_every=4,
)


class Pictures:
    """Pairs of `sizes` of inputs, and targets twice as large."""

    scale = 2

    def __init__(self, *sizes):
        random = np.random.default_rng(0)
        self.sources = [random.integers(0, 256, (*size, 3), np.uint8) for size in sizes]

    def __len__(self):
        return len(self.sources)

    def pair(self, index):
        source = self.sources[index]
        return source, 255 - source.repeat(2, axis=0).repeat(2, axis=1)


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(0)
    return AWSRN(**NETWORK)


@pytest.fixture
def data(tmp_path):
    for seed in range(2):
        small = np.random.default_rng(seed).integers(0, 256, (10, 12, 3), np.uint8)
        picture = small.repeat(2, axis=0).repeat(2, axis=1)
        write_image(tmp_path / "pictures" / f"{seed}.png", picture)
    return tmp_path


def test_a_grid_has_input_restored_and_target_in_a_row(network):
    pictures = Pictures((6, 8), (4, 10))
    grid = picture_grid(network, pictures)
    assert grid.shape == (2 * 12, 3 * 20, 3)
    source, target = pictures.pair(0)
    np.testing.assert_array_equal(grid[:12:2, :16:2], source)
    restored = network.restore(source / np.float32(255))
    assert np.abs(grid[:12, 20:36] - 255 * restored).max() < 1
    np.testing.assert_array_equal(grid[:12, 40:56], target)
    assert (grid[:12, 16:20] == 255).all() and (grid[12 + 8 :] == 255).all()


def test_a_grid_has_the_middle_of_the_first_pictures(network):
    pictures = Pictures(*[(SIDE // 2 + 4, SIDE // 2 + 10)] * (PICTURES + 1))
    grid = picture_grid(network, pictures)
    assert grid.shape == (PICTURES * SIDE, 3 * SIDE, 3)
    source, target = pictures.pair(0)
    np.testing.assert_array_equal(grid[:SIDE:2, :SIDE:2], source[2:-2, 5:-5])
    np.testing.assert_array_equal(grid[:SIDE, 2 * SIDE :], target[4:-4, 10:-10])


def test_a_run_leaves_curves_and_pictures_for_tensorboard(data):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train(RECIPE, data / "run", data, verbose=0)
    events = EventAccumulator(str(data / "run" / "tensorboard"), {"tensors": 0}).Reload()
    assert set(events.Tags()["tensors"]) == {
        "loss",
        "val_psnr",
        "val_ssim",
        "input, restored, target",
    }
    assert [event.step for event in events.Tensors("loss")] == [2, 4, 6, 8]
    assert [event.step for event in events.Tensors("val_psnr")] == [4, 8]
    grids = events.Tensors("input, restored, target")
    assert [event.step for event in grids] == [4, 8]
    width, height, png = grids[-1].tensor_proto.string_val
    assert (int(width), int(height)) == (3 * 24, 2 * 20)
    assert decode_image(png).shape == (2 * 20, 3 * 24, 3)


def test_a_run_does_without_tensorboard(data, monkeypatch):
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    train(RECIPE, data / "run", data, verbose=0)
    assert not (data / "run" / "tensorboard").exists()
