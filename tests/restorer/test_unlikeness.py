import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mirnet_keras
from mirnet_keras.images import read_image
from mirnet_keras.imresize import imresize
from mirnet_keras.restorer import look
from mirnet_keras.restorer.unlikeness import PIXELS_LIMIT, unlike_clean_bicubic

BUNDLED = Path(mirnet_keras.__file__).parent / "demo_images"


@pytest.fixture(scope="module", params=["cat", "coffee"])
def clean(request):
    return imresize(read_image(BUNDLED / f"{request.param}.webp"), scale=1 / 2)


def traits(image):
    return unlike_clean_bicubic(look(image))


def as_jpeg(image, quality):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.array(Image.open(file))


def noisy(image, sigma):
    noise = np.random.default_rng(0).normal(0, sigma, image.shape)
    return (image + noise).round().clip(0, 255).astype(np.uint8)


def test_a_clean_reduction_has_nothing(clean):
    assert traits(clean) == ()
    assert traits(np.full((100, 100, 3), 255, np.uint8)) == ()


@pytest.mark.parametrize("quality", [30, 40, 50, 60])
def test_blocks_are_seen_wherever_their_grid_begins(clean, quality):
    blocks = as_jpeg(clean, quality)
    assert traits(blocks) == ("JPEG blocks",)
    assert traits(blocks[3:, 5:]) == ("JPEG blocks",)
    assert traits(blocks[..., 1]) == ("JPEG blocks",)
    assert traits(blocks.astype(np.uint16) * 257) == ("JPEG blocks",)
    assert traits(blocks[:63]) == ()


@pytest.mark.parametrize("sigma", [15, 25, 50])
def test_noise_is_seen(clean, sigma):
    assert traits(noisy(clean, sigma)) == ("noise",)


def test_a_picture_larger_than_any_sharp_one_of_the_training_is_large():
    side = int(PIXELS_LIMIT**0.5)
    assert traits(np.zeros((side, side), np.uint8)) == ()
    large = np.zeros((side, 2 * side), np.uint8)
    assert traits(large) == ("8 megapixels, more than any of them",)


def test_benchmarks_raise_no_false_alarm_and_their_jpeg_copies_one(shared):
    clean, noise_seen, seen = 0, 0, {30: 0, 60: 0}
    for path in sorted(shared.glob("data/sr/Set*/LRBI/x[23]/*.png")):
        image = read_image(path)
        assert traits(image) == (), path
        if min(image.shape[:2]) < 64:
            continue
        clean += 1
        noise_seen += "noise" in traits(noisy(image, 15))
        for quality in seen:
            seen[quality] += "JPEG blocks" in traits(as_jpeg(image, quality))
    assert clean > 30 and noise_seen >= 0.85 * clean
    assert seen[30] >= 0.95 * clean and seen[60] >= 0.85 * clean
