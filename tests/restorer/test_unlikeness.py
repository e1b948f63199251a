import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mirnet_keras
from mirnet_keras.images import read_image
from mirnet_keras.imresize import imresize
from mirnet_keras.restorer.unlikeness import (
    PIXELS_LIMIT,
    blocking,
    noise_level,
    unlike_clean_bicubic,
)

BUNDLED = Path(mirnet_keras.__file__).parent / "demo_images"


@pytest.fixture(scope="module", params=["cat", "coffee"])
def clean(request):
    return imresize(read_image(BUNDLED / f"{request.param}.webp"), scale=1 / 2)


def as_jpeg(image, quality):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.array(Image.open(file))


def noisy(image, sigma):
    noise = np.random.default_rng(0).normal(0, sigma, image.shape)
    return (image + noise).round().clip(0, 255).astype(np.uint8)


def test_a_clean_reduction_has_nothing(clean):
    assert unlike_clean_bicubic(clean) == ()
    assert unlike_clean_bicubic(np.full((100, 100, 3), 255, np.uint8)) == ()


@pytest.mark.parametrize("quality", [30, 40, 50, 60])
def test_blocks_are_seen_wherever_their_grid_begins(clean, quality):
    blocks = as_jpeg(clean, quality)
    assert unlike_clean_bicubic(blocks) == ("JPEG blocks",)
    assert unlike_clean_bicubic(blocks[3:, 5:]) == ("JPEG blocks",)
    assert unlike_clean_bicubic(blocks[..., 1]) == ("JPEG blocks",)
    assert unlike_clean_bicubic(blocks.astype(np.uint16) * 257) == ("JPEG blocks",)
    assert unlike_clean_bicubic(blocks[:63]) == ()


def test_a_step_at_every_eighth_column_alone_is_a_texture():
    ramp = np.repeat(np.arange(16) * 16, 8)[None].repeat(128, axis=0).astype(np.float32)
    assert blocking(ramp) < 0.01
    both = (ramp + ramp.T) / 2
    assert blocking(both) == pytest.approx(8 / (2 * 4 / 7 + 0.1) - 1)  # half of 8 beside a step


@pytest.mark.parametrize("sigma", [15, 25, 50])
def test_noise_is_seen(clean, sigma):
    assert unlike_clean_bicubic(noisy(clean, sigma)) == ("noise",)


def test_the_noise_is_measured_in_grey_levels_beside_texture_and_white():
    levels = np.full((256, 256), 128, np.float32)
    noise = np.random.default_rng(0).normal(0, 20, levels.shape).astype(np.float32)
    assert noise_level(levels + noise) == pytest.approx(18, rel=0.02)
    levels[:, 128:] = 255 * np.indices((256, 128)).sum(axis=0) % 2
    levels[128:] = 255
    noise[128:] = 0
    assert noise_level(levels + noise) == pytest.approx(18, rel=0.05)
    assert noise_level(np.full((64, 64), 255, np.float32)) < 1e-4


def test_a_picture_larger_than_any_sharp_one_of_the_training_is_large():
    side = int(PIXELS_LIMIT**0.5)
    assert unlike_clean_bicubic(np.zeros((side, side), np.uint8)) == ()
    large = np.zeros((side, 2 * side), np.uint8)
    assert unlike_clean_bicubic(large) == ("8 megapixels, more than any of them",)


def test_benchmarks_raise_no_false_alarm_and_their_jpeg_copies_one(shared):
    clean, seen = 0, {30: 0, 60: 0}
    for path in sorted(shared.glob("data/sr/Set*/LRBI/x[23]/*.png")):
        image = read_image(path)
        assert unlike_clean_bicubic(image) == (), path
        if min(image.shape[:2]) < 64:
            continue
        clean += 1
        assert "noise" in unlike_clean_bicubic(noisy(image, 15))
        for quality in seen:
            seen[quality] += "JPEG blocks" in unlike_clean_bicubic(as_jpeg(image, quality))
    assert clean > 30
    assert seen[30] >= 0.95 * clean and seen[60] >= 0.85 * clean
