import tracemalloc
from pathlib import Path

import cv2
import numpy as np
import pytest

import mirnet_keras
from mirnet_keras.images import ImageError, read_image
from mirnet_keras.restorer.looking import Look, blocking, halos, look, noise_level

BUNDLED = Path(mirnet_keras.__file__).parent / "demo_images"


def test_a_step_at_every_eighth_column_alone_is_a_texture():
    ramp = np.repeat(np.arange(16) * 16, 8)[None].repeat(128, axis=0).astype(np.float32)
    assert blocking(ramp) < 0.01
    both = (ramp + ramp.T) / 2
    assert blocking(both) == pytest.approx(8 / (2 * 4 / 7 + 0.1) - 1)  # half of 8 beside a step


def test_the_noise_is_measured_in_grey_levels_beside_texture_and_white():
    levels = np.full((256, 256), 128, np.float32)
    noise = np.random.default_rng(0).normal(0, 20, levels.shape).astype(np.float32)
    assert noise_level(levels + noise) == pytest.approx(20, rel=0.03)
    levels[:, 128:] = 255 * np.indices((256, 128)).sum(axis=0) % 2
    levels[128:] = 255
    noise[128:] = 0
    assert noise_level(levels + noise) == pytest.approx(20, rel=0.05)
    assert noise_level(np.full((64, 64), 255, np.float32)) < 1e-4


def test_texture_is_no_noise():
    fine = np.random.default_rng(0).normal(0, 20, (256, 256)).astype(np.float32)
    grass = 128 + 4 * cv2.GaussianBlur(fine, (0, 0), 1)
    assert np.std(grass) > 15
    assert noise_level(grass) == 0


def test_halos_are_measured_against_the_height_of_an_edge():
    step = np.zeros((128, 128), np.float32) + 50
    step[:, 64:] = 150
    smooth = cv2.GaussianBlur(step, (0, 0), 1)
    assert halos(smooth) == pytest.approx(0, abs=0.01)
    sharpened = smooth + 2.5 * (smooth - cv2.GaussianBlur(smooth, (0, 0), 1))
    overshoot = (sharpened.max() - 150) / 100
    assert overshoot > 0.1
    assert halos(sharpened) == pytest.approx(overshoot, rel=0.02)
    assert halos(sharpened[:, 80:]) == 0  # no edges


def test_a_sample_shows_light_and_highlights():
    image = np.full((600, 500, 3), 10, np.uint8)
    image[100:400, 100:400] = 255
    seen = look(image)
    assert seen.pixels == 300_000
    assert seen.brightness == pytest.approx(16 + 219 * (0.3 + 0.7 * 10 / 255), rel=0.01)
    assert seen.highlights == pytest.approx(235)
    assert not seen.is_dark
    image[100:400, 100:400] = 10
    image[:5, :500] = 255  # less than 1 % of the pixels
    assert look(image).is_dark
    assert look(np.full((20, 20, 3), 10, np.uint8)).is_dark


def test_a_look_depends_on_neither_depth_nor_layout():
    cat = read_image(BUNDLED / "cat.webp")
    seen = look(cat)
    assert look(cat.astype(np.uint16) * 257) == seen
    assert look((cat / 255).astype(np.float32)) == seen
    grey = cat[..., 1]
    assert look(grey) == look(np.repeat(grey[..., None], 3, axis=-1))
    assert look(np.ascontiguousarray(cat[:, ::-1])[:, ::-1]) == seen


def test_what_shines_through_is_white():
    black, clear = np.zeros((70, 80, 3), np.uint8), np.zeros((70, 80), np.uint8)
    assert look(black, clear) == look(np.full_like(black, 255))
    assert look(black, clear + 255) == look(black)


@pytest.mark.parametrize("size", [(1, 1), (1, 700), (63, 64), (300, 2)])
def test_every_size_can_be_looked_at(size):
    seen = look(np.full((*size, 3), 100, np.uint8))
    assert seen.pixels == size[0] * size[1]
    assert (seen.common_colours, seen.hard_edges, seen.blocking, seen.noise) == (1, 0, 0, 0)


def test_a_look_at_a_large_image_takes_little_memory():
    image, alpha = np.zeros((4000, 6000, 3), np.uint8), np.zeros((4000, 6000), np.uint8)
    look(image[:600, :600])  # imports
    tracemalloc.start()
    try:
        seen = look(image, alpha)
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()
    assert seen.pixels == 24_000_000


def test_nan_is_refused():
    with pytest.raises(ImageError, match="NaN"):
        look(np.full((4, 4, 3), np.nan, np.float32))


def test_limits_are_exceeded_not_reached():
    at = Look(1, 59.9, 135.9, 0.5, 0.25, 0.11, 4.0, 0.09)
    assert at.is_dark
    assert not (at.is_drawn or at.is_blocky or at.is_noisy or at.is_sharpened)
