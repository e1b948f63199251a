import keras
import numpy as np
import pytest

from mirnet_keras.data import DataError, SegmentedBatches, Stage, synthetic_scene
from mirnet_keras.data.scenes import TEXTURES
from mirnet_keras.images import ImageError, write_image
from mirnet_keras.imresize import imresize

STAGES = [Stage(3, 32, 2), Stage(9, 48, 1)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Scenes whose brightness gives their class: any step between image and map shows."""
    root = tmp_path_factory.mktemp("segmented")
    random = np.random.default_rng(0)
    for name in ("scenes", "general"):
        for number in range(3):
            coarse = random.integers(0, 2, (8, 10, 1), np.uint8)
            blocks = 255 * coarse.repeat(12, axis=0).repeat(12, axis=1).repeat(3, axis=2)
            write_image(root / name / f"{number}.png", blocks)
    return root


def by_brightness(image, name):
    """Class 1 where the enlarged image is bright, 0 elsewhere."""
    bright = imresize(image, 4)[..., :1] > 127
    return np.concatenate([~bright, bright], axis=-1).astype(np.float32)


def background(image, name):
    return 0 * by_brightness(image, name) + (1, 0)


def batches(folder, **options):
    sources = [[folder / "scenes"], [folder / "general"]]
    return SegmentedBatches(sources, [by_brightness, background], STAGES, **options)


def test_image_and_maps_stay_aligned(folder):
    """Through reduction, crop and flip."""
    data = batches(folder, mix=(1, 1e-9))
    for step in range(12):
        low, maps, high = data.batch(step)
        crop = 32 if step < 3 else 48
        assert high.shape[1:] == (crop, crop, 3) and maps.shape[1:] == (crop, crop, 2)
        assert low.shape[1:] == (crop // 4, crop // 4, 3)
        clear = np.abs(high[..., 0] - 0.5) > 0.49  # bilinear reduction blurs the edges
        agree = (high[..., 0] > 0.5) == (maps[..., 1] > 0.5)
        assert agree[clear].mean() > 0.97
        np.testing.assert_allclose(maps.sum(axis=-1), 1, atol=1e-6)
        enlarged = low.repeat(4, axis=1).repeat(4, axis=2)
        assert np.corrcoef(enlarged.ravel(), high.ravel())[0, 1] > 0.7


def test_a_step_depends_on_seed_and_step_alone(folder):
    first, second = batches(folder, seed=1), batches(folder, seed=1)
    first.batch(0)
    for ours, theirs in zip(first.batch(5), second.batch(5), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert not np.array_equal(first.batch(5)[0], batches(folder, seed=2).batch(5)[0])


def test_sources_are_mixed_ten_to_one(folder):
    data = batches(folder)
    random = np.random.default_rng(0)
    scenes = sum(data.source(random) == 0 for _ in range(11_000))
    assert abs(scenes - 10_000) < 150


def test_general_images_have_a_prior_of_their_own(folder):
    _, maps, _ = batches(folder, mix=(1e-9, 1)).batch(0)
    assert (maps[..., 0] == 1).all()


def test_data_set_for_fit(folder):
    data = batches(folder).dataset(start=2)
    (low, maps), high = next(iter(data)) if keras.backend.backend() == "tensorflow" else data[0]
    for ours, theirs in zip((low, maps, high), batches(folder).batch(2), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    plain = batches(folder).dataset(segmented=False)
    assert len(next(iter(plain)) if keras.backend.backend() == "tensorflow" else plain[0]) == 2


def test_what_does_not_go_together(folder, tmp_path):
    with pytest.raises(DataError, match="its prior and its share"):
        SegmentedBatches([[folder / "scenes"]], [background], STAGES)
    with pytest.raises(DataError, match="multiples of 4"):
        SegmentedBatches([[folder / "scenes"]], [background], [Stage(1, 30, 1)], mix=[1])
    with pytest.raises(DataError, match="smaller than the crop of 128"):
        SegmentedBatches([[folder / "scenes"]], [background], [Stage(1, 128, 1)], mix=[1])
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImageError, match="holds no picture"):
        SegmentedBatches([[tmp_path / "empty"]], [background], STAGES, mix=[1])


def test_every_class_of_a_synthetic_scene_has_its_texture():
    image, labels = synthetic_scene(200, 240, np.random.default_rng(3), regions=12)
    assert image.shape == (200, 240, 3) and image.dtype == np.uint8
    assert set(np.unique(labels)) == set(range(8))
    for label, (colour, *_) in enumerate(TEXTURES):
        mean = image[labels == label].mean(axis=0)
        assert np.abs(mean - 255 * np.asarray(colour)).max() < 12
    again, _ = synthetic_scene(200, 240, np.random.default_rng(3), regions=12)
    np.testing.assert_array_equal(image, again)
