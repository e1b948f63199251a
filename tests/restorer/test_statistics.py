import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirnet_keras.demo import demo_picture
from mirnet_keras.restorer import Restorer, seam_error, statistics
from mirnet_keras.restorer.statistics import Part, PictureStatistics, _sides, _spread


def photo(height, width, seed=0):
    """Noise, of which one half is darker."""
    picture = np.random.default_rng(seed).random((height, width, 3), np.float32)
    picture[:, width // 2 :] *= 0.3
    return picture


@given(st.integers(1, 300), st.integers(8, 80), st.integers(1, 400), st.sampled_from([1, 2, 4]))
def test_what_counts_of_the_tiles_is_the_middle_once(length, side, middle, multiple):
    length *= multiple
    middle = middle if middle < length else length
    sides = _sides(length, side, middle, multiple, overlap=64)
    first = (length - middle) // 2
    ends = [end for _, end in sides]
    assert (ends[0][0], ends[-1][1]) == (first, first + middle)
    assert all(before[1] == after[0] for before, after in itertools.pairwise(ends))
    lengths = {tile.stop - tile.start for tile, _ in sides}
    assert len(lengths) == 1
    assert max(lengths) <= max(side, multiple)
    for tile, (begin, end) in sides:
        assert 0 <= tile.start <= begin < end <= tile.stop <= length
        assert tile.start % multiple == 0


def test_tiles_of_any_size_are_the_whole_picture(global_network):
    rng = np.random.default_rng(0)
    for _ in range(3):
        height, width = rng.integers(100, 260, 2)
        restorer = Restorer(
            global_network, tile=int(rng.integers(96, 160)), overlap=int(rng.integers(48, 64))
        )
        assert seam_error(restorer, photo(height, width)).psnr > 60


@pytest.mark.parametrize("name", ["rcan_small_x2", "han_small_x2"])
def test_tiles_share_no_more_than_a_network_sees(name):
    """With the statistics of the whole picture the tiles are exact."""
    restorer = Restorer(name, tile=112)
    assert restorer.overlap == 34
    assert seam_error(restorer, photo(204, 120)).largest_difference < 1e-5
    restorer.overlap = 20
    assert seam_error(restorer, photo(204, 120)).largest_difference > 1e-5


def test_a_sample_of_a_large_picture_suffices_where_statistics_are_means(monkeypatch):
    monkeypatch.setattr(statistics, "SAMPLE_PIXELS", 8 * 64**2)
    for name in ("rcan_small_x2", "mirnet_denoise_small"):
        sample, suffices = Restorer(name)._model._statistics._sample((900, 1500), pixels=256**2)
        assert (len(sample), suffices) == (8, True)
        assert {part.tile[0].stop - part.tile[0].start for part in sample} == {64}
    attentive = Restorer("mirnet_lowlight_small")._model._statistics
    sample, suffices = attentive._sample((900, 1500), pixels=256**2)
    assert 8 < len(sample) <= 16 and not suffices
    assert _area(attentive._passed((900, 1500), pixels=256**2)) == 900 * 1500


def _area(parts):
    return sum(math.prod(end - begin for begin, end in part.region) for part in parts)


def test_a_sample_stands_for_a_picture_of_many_kinds(monkeypatch):
    monkeypatch.setattr(statistics, "SAMPLE_PIXELS", 2**14)
    scenes = [demo_picture(name)[:128, :192] for name in ("coffee.webp", "cat.webp")]
    picture = np.vstack([np.hstack(scenes), np.hstack(scenes[::-1])])
    restorer = Restorer("rcan_small_x2", tile=112)
    monkeypatch.setattr("mirnet_keras.restorer.restorer.pixels_at_once", lambda *_: 2**14)
    assert 50 < seam_error(restorer, picture).psnr < 100


def test_progress_is_told_while_the_whole_picture_is_looked_at(global_network, monkeypatch):
    monkeypatch.setattr("mirnet_keras.restorer.restorer.pixels_at_once", lambda *_: 2 * 64**2)
    restorer, picture, told = Restorer(global_network, tile=128, overlap=64), photo(150, 200), []
    np.testing.assert_array_equal(restorer(picture, progress=told.append), restorer(picture))
    assert told == sorted(told) and told[-1] == 1
    assert len([share for share in told if 0 < share <= 0.2]) > 3  # in the first of three passes


def test_passes_bring_a_sample_to_the_whole_picture(global_network, monkeypatch):
    """The memory takes two of about thirty tiles at once."""
    monkeypatch.setattr("mirnet_keras.restorer.restorer.pixels_at_once", lambda *_: 2 * 64**2)
    monkeypatch.setattr(statistics, "SAMPLE_SIDE", 64)
    restorer, picture = Restorer(global_network, tile=128, overlap=64), photo(250, 290)
    error = seam_error(restorer, picture)
    assert error.psnr > 60
    monkeypatch.setattr(statistics, "MOST_PASSES", 0)
    assert seam_error(restorer, picture).psnr < error.psnr - 10


def test_no_pass_follows_where_all_tiles_are_taken_at_once(global_network, monkeypatch):
    def everywhere(*_):
        raise AssertionError("a pass over all tiles")

    monkeypatch.setattr(PictureStatistics, "_after_a_pass", everywhere)
    Restorer(global_network, tile=128, overlap=64)(photo(150, 200))


def test_a_dark_photo_in_tiles_is_the_whole_brightened():
    picture = demo_picture("coffee_dark.png")[:160, :240]
    assert seam_error(Restorer("mirnet_lowlight_small", tile=96), picture).psnr > 60


def test_a_sample_is_never_empty():
    for rows, columns, most in itertools.product(range(1, 12), range(1, 12), range(1, 8)):
        parts = [[Part((slice(0, 8), slice(0, 8)), ((0, 8), (0, 8)))] * columns] * rows
        assert 1 <= len(_spread(parts, 64 * most)) <= max(most, 1)


def test_a_very_long_picture_is_restored(global_network):
    picture = np.random.default_rng(0).integers(0, 256, (40, 900, 3), np.uint8)
    for image in (picture, picture.swapaxes(0, 1)):
        restorer = Restorer(global_network, tile=64)
        restorer.memory_budget = restorer.estimate(image.shape).memory
        assert restorer(image).shape == tuple(restorer.scale * s for s in image.shape[:2]) + (3,)
