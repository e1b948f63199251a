import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mirnet_keras.batch import Job, estimate_all, estimating
from mirnet_keras.images import write_image
from mirnet_keras.restorer import Restorer


@pytest.fixture
def job(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    write_image(tmp_path / "a.png", pixels)
    return Job(tmp_path / "a.png", tmp_path / "none.png")


@pytest.mark.parametrize(("tile", "work"), [("auto", 300 * 400 / 128**2), (64, None)])
def test_the_time_is_that_of_a_piece_by_its_pixels(tile, work, job, settings, monkeypatch):
    clock, seen = [0], []

    def restore(_, image):
        seen.append(image.shape)
        clock[0] += 3

    monkeypatch.setattr(estimating.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(Restorer, "__call__", restore)
    (forecast,) = estimate_all([job], dataclasses.replace(settings, tile=tile))
    assert set(seen) == {(128, 128, 3)}
    restorer = Restorer(settings.preset, tile=tile)
    expected, piece = restorer.estimate((300, 400)), restorer.estimate((128, 128))
    assert forecast.estimate.tiles == expected.tiles
    assert forecast.estimate.memory == expected.memory
    assert forecast.size == (600, 800)
    work = work or expected.tiles / piece.tiles
    assert forecast.estimate.seconds == pytest.approx(3 * work)
    assert not job.output.exists()


def test_a_picture_that_fails_is_named_and_the_others_follow(job, settings):
    missing = Job(Path("missing.png"), Path("none.png"))
    first, second = estimate_all([missing, job], settings)
    assert "no picture at 'missing.png'" in first.error and first.estimate is None
    assert second.error is None
    (refused,) = estimate_all([job], dataclasses.replace(settings, memory_budget="1MB"))
    assert "even in the smallest tiles" in refused.error


def test_a_logo_on_transparent_black_is_not_dark(tmp_path, settings):
    logo = np.zeros((40, 40, 4), np.uint8)
    logo[15:25, 15:25] = (200, 30, 60, 255)
    Image.fromarray(logo).save(tmp_path / "logo.png")
    job = Job(tmp_path / "logo.png", tmp_path / "none.png")
    (forecast,) = estimate_all([job], dataclasses.replace(settings, preset=None))
    assert forecast.preset == "awsrn_s_x2"
