"""Memory that runs out, numbers that are not finite, borders, and one program for every size."""

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
import pytest

from mirnet_keras.models import AWSRN, RCAN, RestorationModel, folding
from mirnet_keras.restorer import Restorer, RestorerError, seam_error
from mirnet_keras.restorer.statistics import _Gathering


def photo(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def limited_blur(monkeypatch, **arguments):
    """A model that blurs, records what it saw, and has memory for `limit` pixels."""
    image = keras.Input((None, None, 3))
    blurred = keras.layers.AveragePooling2D(3, 1, "same")(image)
    model = RestorationModel(image, blurred, network="blur", arguments={}, **arguments)
    model.seen, model.limit = [], 10**9
    predict = model.predict_on_batch

    def limited(images):
        model.seen.append(images.shape)
        if images[..., 0].size > model.limit:
            raise RuntimeError("RESOURCE_EXHAUSTED: OOM when allocating tensor")
        return predict(images)

    monkeypatch.setattr(model, "predict_on_batch", limited)
    monkeypatch.setattr(folding, "fold", lambda model: model)
    return model


@pytest.fixture
def blur(monkeypatch):
    return limited_blur(monkeypatch)


@pytest.fixture
def coarse_blur(monkeypatch):
    """The same on a grid of 64 pixels, as under XLA."""
    return limited_blur(monkeypatch, multiple=64, smallest=64)


@pytest.fixture(scope="module")
def awsrn():
    keras.utils.set_random_seed(0)
    return AWSRN(scale=2, blocks=1, units=1, filters=4, wide_filters=8)


def test_missing_memory_makes_smaller_tiles_and_says_so_once(blur, caplog):
    picture = photo(400, 300)
    blur.limit = 200 * 200
    restorer = Restorer(blur)
    with caplog.at_level(logging.WARNING):
        restored = restorer(picture)
        again = restorer(picture)
    assert len(caplog.records) == 1
    assert "tiles of 192 from now on" in caplog.text
    assert blur.seen[0] == (1, 400, 300, 3)  # whole, once
    assert max(shape[1:] for shape in blur.seen[1:]) <= (192, 192, 3)
    np.testing.assert_array_equal(restored, again)
    tile = blur.seen[-1][1:3]
    assert tile == (192, 192)
    np.testing.assert_array_equal(restored, Restorer(blur, tile=192, overlap=64)(picture))


def test_a_tile_size_that_was_asked_for_is_never_changed(blur):
    blur.limit = 200 * 200
    with pytest.raises(RestorerError, match=r"tiles of 256 x 256, .* Use tile=128\."):
        Restorer(blur, tile=256)(photo(400, 300))
    with pytest.raises(RestorerError, match=r"tiles of 300 x 400, .* Use tile=192\."):
        Restorer(blur, tile=None)(photo(400, 300))


def test_when_nothing_helps_the_error_says_what_was_tried(blur):
    blur.limit = 10
    tried = r"300 x 200 pixels in tiles of 96 x 96, which takes about \d+ MB. Close other"
    with pytest.raises(RestorerError, match=tried):
        Restorer(blur)(photo(200, 300))
    blur.limit = 0
    with pytest.raises(RestorerError, match="tiles of 1 x 1, .* Close other"):
        Restorer(blur)(photo(1, 1))


def test_on_a_coarse_grid_tiles_only_become_smaller(coarse_blur):
    picture = photo(448, 400)
    coarse_blur.limit = 128 * 128
    restored = Restorer(coarse_blur)(picture)
    seen = [shape[1:3] for shape in coarse_blur.seen]
    assert list(dict.fromkeys(seen)) == [(448, 448), (192, 192), (128, 128)]
    np.testing.assert_array_equal(restored, Restorer(coarse_blur, tile=128, overlap=64)(picture))
    coarse_blur.limit = 10
    with pytest.raises(RestorerError, match="in tiles of 128 x 128, which takes"):
        Restorer(coarse_blur)(picture)


def test_missing_memory_while_statistics_are_gathered_makes_smaller_tiles(monkeypatch):
    model = RCAN(2, groups=1, blocks=1, filters=8, reduction=4)
    limit, seen, gather = 128 * 128, [], _Gathering.predict_on_batch

    def limited(self, inputs):
        seen.append(inputs[0][..., 0].size)
        if seen[-1] > limit:
            raise RuntimeError("RESOURCE_EXHAUSTED: OOM when allocating tensor")
        return gather(self, inputs)

    monkeypatch.setattr(_Gathering, "predict_on_batch", limited)
    restorer = Restorer(model, memory_budget="1GB")
    restorer._model.largest_tile = 256
    restored = restorer(photo(300, 320))
    assert restored.shape == (600, 640, 3)
    assert max(seen) > limit >= seen[-1]
    assert restorer._learned.largest <= 128


def test_other_errors_are_not_taken_for_missing_memory(blur, monkeypatch):
    def fail(images):
        raise RuntimeError("a bug")

    monkeypatch.setattr(blur, "predict_on_batch", fail)
    with pytest.raises(RuntimeError, match="a bug"):
        Restorer(blur)(photo(20, 30))


def test_a_budget_bounds_the_tiles(blur):
    assert Restorer(blur, memory_budget="2GB").estimate((700, 600)).tile == (700, 600)
    estimate = Restorer(blur, memory_budget="100MB").estimate((700, 600, 3))
    assert estimate.tiles > 1
    assert estimate.memory <= 100e6
    assert estimate.seconds is None
    restorer = Restorer(blur, memory_budget="100MB")
    restorer(photo(70, 60))
    assert restorer.estimate((700, 600)).seconds > 0
    with pytest.raises(RestorerError, match="the budget is 5 MB"):
        Restorer(blur, memory_budget="5MB")(photo(700, 600))


def test_the_networks_input_stays_as_small_as_the_tiles(blur):
    Restorer(blur, tile=64, overlap=16, batch=3)(photo(500, 400))
    assert set(blur.seen) == {(3, 64, 64, 3)}


def test_one_program_serves_every_size(awsrn):
    traces = []

    class Counted(RestorationModel):
        def call(self, *args, **kwargs):
            traces.append(1)
            return super().call(*args, **kwargs)

    image = keras.Input((None, None, 3))
    model = Counted(image, keras.layers.UpSampling2D(2)(image), network="x", arguments={}, scale=2)
    restorer = Restorer(model, tile=64, overlap=16, batch=2)
    rng = np.random.default_rng(0)
    for _ in range(4):
        restorer(photo(*rng.integers(1, 300, 2)))
    first = len(traces)
    for _ in range(40):
        restorer(photo(*rng.integers(1, 300, 2)))
    assert len(traces) == first <= 5


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "float32"])
def test_numbers_that_are_not_finite_are_computed_again_in_float32(policy, monkeypatch, caplog):
    keras.config.set_dtype_policy(policy)
    try:
        model = RCAN(2, groups=1, blocks=1, filters=8, reduction=4)
    finally:
        keras.config.set_dtype_policy("float32")
    monkeypatch.setattr(folding, "fold", lambda model: model)
    expected = Restorer(model)(photo(20, 30))
    monkeypatch.setattr(model, "predict_on_batch", lambda x: np.full((1, 40, 60, 3), np.nan))
    restorer = Restorer(model)
    if policy == "float32":
        with pytest.raises(RestorerError, match="NaN or infinite"):
            restorer(photo(20, 30))
        return
    restored = restorer(photo(20, 30))
    assert "computed in float32" in caplog.text
    np.testing.assert_allclose(restored.astype(int), expected, atol=4)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_result_that_is_all_black_is_warned_of(dtype, blur, monkeypatch, caplog):
    white = 1 if dtype == np.float32 else np.iinfo(dtype).max
    light, dark = (np.full((20, 30, 3), level * white).astype(dtype) for level in (0.2, 0.05))
    for value, picture, warns in [(0.001, light, True), (0.001, dark, False), (0.01, light, False)]:
        result = np.full((1, 20, 30, 3), value, np.float32)
        monkeypatch.setattr(blur, "predict_on_batch", lambda _, result=result: result)
        caplog.clear()
        Restorer(blur)(picture)
        assert ("all black" in caplog.text) == warns
    monkeypatch.setattr(blur, "predict_on_batch", lambda _: -np.ones((1, 20, 30, 3), np.float32))
    Restorer(blur)(light[..., 0])
    assert "all black" in caplog.text


def test_local_networks_are_the_same_in_tiles(awsrn):
    rng = np.random.default_rng(0)
    whole = Restorer(awsrn, tile=None)
    for _ in range(6):
        height, width, tile = rng.integers(20, 200, 3)
        picture = photo(height, width) / np.float32(255)
        tiled = Restorer(awsrn, tile=int(max(tile, 40)))
        assert tiled.overlap >= 16
        np.testing.assert_allclose(tiled(picture), whole(picture), atol=1e-5)
    error = seam_error(Restorer(awsrn, tile=48), photo(150, 130))
    assert error.psnr > 90
    assert error.largest_difference < 1e-5


def test_global_networks_see_the_whole_picture_in_tiles():
    keras.utils.set_random_seed(0)
    model = RCAN(2, groups=1, blocks=2, filters=8, reduction=4)
    picture = np.zeros((280, 300, 3), np.uint8)
    picture[:, :150] = photo(280, 150)
    restorer = Restorer(model, tile=128)
    error = seam_error(restorer, picture)
    restorer._model._statistics = None  # each tile for itself
    assert seam_error(restorer, picture).psnr < error.psnr - 5


def test_a_texture_that_repeats_stays_without_a_seam(awsrn):
    texture = photo(40, 56) / np.float32(255)
    restorer = Restorer(awsrn, border="wrap")
    rolled = restorer(np.roll(texture, (20, 28), axis=(0, 1)))
    expected = np.roll(restorer(texture), (40, 56), axis=(0, 1))
    np.testing.assert_allclose(rolled, expected, atol=1e-5)
    plain = Restorer(awsrn)
    rolled = plain(np.roll(texture, (20, 28), axis=(0, 1)))
    assert np.abs(rolled - np.roll(plain(texture), (40, 56), axis=(0, 1))).max() > 1e-3


@pytest.mark.parametrize("border", ["reflect", "edge", "wrap"])
def test_any_size_has_any_border(awsrn, border):
    for height, width in ((1, 1), (1, 7), (5, 3), (33, 70)):
        restored = Restorer(awsrn, border=border, tile=64)(photo(height, width))
        assert restored.shape == (2 * height, 2 * width, 3)


def test_threads_compute_one_after_the_other(blur, monkeypatch):
    # TensorFlow gives wrong numbers where two compute at once what is of a new size.
    predict, inside, most = blur.predict_on_batch, [], []

    def counted(images):
        inside.append(None)
        most.append(len(inside))
        time.sleep(0.01)
        restored = predict(images)
        inside.pop()
        return restored

    monkeypatch.setattr(blur, "predict_on_batch", counted)
    with ThreadPoolExecutor(4) as pool:
        for other in (Restorer(blur), Restorer(blur, tile=64)):
            list(pool.map(other, [photo(70 + side, 90) for side in range(4)]))
    assert set(most) == {1}


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux")
def test_a_thousand_photos_in_tiles_take_no_more_memory_than_fifty(awsrn):
    # No smaller than a tile: TensorFlow keeps what it prepares for each size of a tile, so small
    # pictures of ever new sizes fill its store (docs/restoring.md).
    restorer = Restorer(awsrn, tile=96)
    rng = np.random.default_rng(0)
    pages = []
    for _ in range(1000):
        restorer(photo(*rng.integers(96, 260, 2)))
        pages.append(int(Path("/proc/self/statm").read_text().split()[1]))
    assert pages[-1] < 1.05 * pages[49]
