import numpy as np
import pytest

from mirnet_keras.cli_degrade import Degradation
from mirnet_keras.data import DEGRADATIONS, PhotoDegradation, synthetic_scene, write_degraded_pairs
from mirnet_keras.images import read_image, write_image


@pytest.fixture(autouse=True)
def sharp(run, monkeypatch, tmp_path):
    (tmp_path / "images/sharp").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "images")
    write_image("sharp/a.png", synthetic_scene(40, 60, np.random.default_rng(0))[0])


def test_names_are_those_of_python():
    assert set(Degradation) == DEGRADATIONS.keys()


def test_the_command_writes_what_python_writes(run):
    result = run("degrade", "sharp", "-o", "pairs", "--scale", "2", "--seed", "3")
    assert result.exit_code == 0, result.output
    (expected,) = write_degraded_pairs("sharp", "python", PhotoDegradation(2, clean=0.0), seed=3)
    written = read_image("pairs/inputs/a.png")
    assert written.shape == (20, 30, 3)
    np.testing.assert_array_equal(written, read_image(expected))


def test_noise_keeps_the_size(run):
    assert run("degrade", "sharp", "-o", "pairs", "--degradation", "camera").exit_code == 0
    assert read_image("pairs/inputs/a.png").shape == (40, 60, 3)
    refused = run("degrade", "sharp", "-o", "x", "--degradation", "camera", "--scale", "2")
    assert refused.exit_code == 2 and "--scale" in refused.stderr


def test_nothing_is_replaced(run):
    run("degrade", "sharp", "-o", "pairs")
    refused = run("degrade", "sharp", "-o", "pairs", "--seed", "1")
    assert refused.exit_code == 2 and "pairs/inputs/a.png" in refused.stderr
