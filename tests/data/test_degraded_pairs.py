import numpy as np
import pytest

from mirnet_keras.data import PairedImages, PhotoDegradation, synthetic_scene, write_degraded_pairs
from mirnet_keras.images import read_image, write_image


@pytest.fixture
def sharp(tmp_path):
    folder = tmp_path / "sharp"
    folder.mkdir()
    for number in range(2):
        scene, _ = synthetic_scene(41, 62, np.random.default_rng(number))
        write_image(folder / f"{number}.png", scene)
    return folder


def test_pairs_are_read_by_training(sharp, tmp_path):
    inputs = write_degraded_pairs(sharp, tmp_path / "pairs", PhotoDegradation(scale=2), seed=1)
    pairs = PairedImages(tmp_path / "pairs/inputs", tmp_path / "pairs/targets", scale=2)
    assert [path for path, _ in pairs.paths] == inputs and pairs.sizes == [(40, 62)] * 2
    np.testing.assert_array_equal(pairs.pair(0)[1], read_image(sharp / "0.png")[:40])


def test_the_seed_decides(sharp, tmp_path):
    degradation = PhotoDegradation(clean=0.0)
    runs = [("a", 0), ("b", 0), ("c", 1)]
    images = [
        read_image(write_degraded_pairs(sharp, tmp_path / name, degradation, seed)[1])
        for name, seed in runs
    ]
    np.testing.assert_array_equal(images[0], images[1])
    assert not np.array_equal(images[0], images[2])


def test_existing_pairs_are_kept(sharp, tmp_path):
    write_degraded_pairs(sharp, tmp_path / "pairs", PhotoDegradation())
    before = (tmp_path / "pairs/inputs/0.png").read_bytes()
    with pytest.raises(FileExistsError, match="inputs/0.png"):
        write_degraded_pairs(sharp, tmp_path / "pairs", PhotoDegradation(), seed=5)
    assert (tmp_path / "pairs/inputs/0.png").read_bytes() == before
