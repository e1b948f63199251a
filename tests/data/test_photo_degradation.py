import numpy as np
import pytest

from mirnet_keras.data import PhotoDegradation, imresize, synthetic_scene

NOTHING = {"clean": 0, "blurred": 0, "noisy": 0, "processed": 0, "compressed": 0}
SHARP = synthetic_scene(96, 128, np.random.default_rng(0))[0] / np.float32(255)


def degraded(seed=0, image=SHARP, **options):
    return PhotoDegradation(**options)(image, np.random.default_rng(seed))


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_same_draw_same_copy_of_the_reduced_size(scale):
    image = degraded(scale=scale)
    assert image.shape == (96 // scale, 128 // scale, 3) and image.dtype == np.float32
    np.testing.assert_array_equal(image, degraded(scale=scale))
    np.testing.assert_array_equal(np.rint(image * 255) / np.float32(255), image)
    assert image.min() >= 0 and image.max() <= 1


def test_clean_crops_are_the_exact_bicubic():
    expected = np.rint(np.clip(imresize(SHARP, 1 / 2), 0, 1) * 255)
    np.testing.assert_array_equal(degraded(scale=2, clean=1) * 255, expected)
    np.testing.assert_allclose(degraded(clean=1), SHARP, atol=0.5 / 255)


def test_shares_are_shares():
    same = [
        np.array_equal(degraded(seed, clean=0.3), degraded(seed, clean=1)) for seed in range(200)
    ]
    assert 0.2 < np.mean(same) < 0.4


def test_nothing_leaves_the_image_as_it_is():
    np.testing.assert_allclose(degraded(**NOTHING), SHARP, atol=0.5 / 255)


@pytest.mark.parametrize("kind", ["blurred", "noisy", "processed", "compressed"])
def test_each_step_alone_changes_the_image(kind):
    options = NOTHING | {kind: 1, "blur": (1, 1)}
    assert np.abs(degraded(**options) - SHARP).mean() > 0.5 / 255


@pytest.mark.parametrize("seed", range(8))
def test_every_kernel_keeps_the_place_of_what_it_reduces(seed):
    ramp = np.repeat(np.linspace(0, 1, 128, dtype=np.float32)[None, :, None], 96, 0)
    ramp = np.repeat(ramp, 3, 2)
    reduced = degraded(seed, ramp, scale=2, **NOTHING)
    difference = (reduced - imresize(ramp, 1 / 2))[8:-8, 8:-8]
    assert abs(difference.mean()) < 1e-4 and np.abs(difference).max() < 0.006  # 0.016 a pixel


def test_blur_keeps_brightness_and_removes_detail():
    blurred = degraded(**NOTHING | {"blurred": 1}, blur=(2, 2))
    assert blurred.mean() == pytest.approx(SHARP.mean(), abs=0.01)
    assert np.abs(np.diff(blurred, axis=1)).mean() < 0.7 * np.abs(np.diff(SHARP, axis=1)).mean()


def test_sharpening_leaves_halos():
    edge = np.full((64, 64, 3), 0.3, np.float32)
    edge[:, 32:] = 0.7
    halos = degraded(0, edge, **NOTHING | {"processed": 1}, sharpening=(2, 2))
    assert halos.max() > 0.75 and halos.min() < 0.25


def test_worse_quality_is_further_from_the_original():
    errors = []
    for quality in (95, 60, 20):
        options = NOTHING | {"compressed": 1, "quality": (quality, quality)}
        errors.append(np.mean([np.abs(degraded(s, **options) - SHARP).mean() for s in range(8)]))
    assert errors[0] < 0.7 * errors[1] < 0.7 * 0.9 * errors[2]


def test_jpeg_blocks_start_anywhere():
    options = NOTHING | {"compressed": 1, "quality": (5, 5)}
    starts = set()
    for seed in range(12):
        steps = np.abs(np.diff(degraded(seed, **options), axis=1)).mean(axis=(0, 2))
        starts.add(int(np.argmax([steps[start::8].mean() for start in range(8)])))
    assert len(starts) > 3


@pytest.mark.parametrize(
    "options",
    [{"scale": 0}, {"scale": 1.5}, {"noisy": 1.2}, {"quality": (0, 50)}, {"blur": (2, 1)}],
    ids=str,
)
def test_impossible_options_are_refused(options):
    name = next(iter(options))
    with pytest.raises(ValueError, match=name):
        PhotoDegradation(**options)
