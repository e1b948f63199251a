import keras
import numpy as np
import pytest
from skimage.metrics import structural_similarity

from mirnet_keras.losses import EnhancementLoss, charbonnier, multi_scale_ssim

RANDOM = np.random.default_rng(0)
IMAGE = RANDOM.random((2, 32, 40, 3), np.float32)
NOISY = np.clip(IMAGE + RANDOM.normal(0, 0.1, IMAGE.shape), 0, 1).astype(np.float32)


def halved(image):
    height, width, channels = image.shape
    return image.reshape(height // 2, 2, width // 2, 2, channels).mean(axis=(1, 3))


def test_ssim_of_each_scale_is_that_of_scikit_image():
    expected = []
    for true, noisy in zip(IMAGE, NOISY, strict=True):
        scores = []
        for _ in range(3):
            _, full = structural_similarity(true, noisy, channel_axis=2, data_range=1, full=True)
            scores.append(full[3:-3, 3:-3].mean())
            true, noisy = halved(true), halved(noisy)
        expected.append(np.mean(scores))
    np.testing.assert_allclose(multi_scale_ssim(IMAGE, NOISY), expected, rtol=1e-4)


def test_equal_images_cost_epsilon():
    assert float(EnhancementLoss()(IMAGE, IMAGE)) == pytest.approx(1e-3, rel=1e-3)


def test_without_weights_it_is_charbonnier():
    expected = np.mean(charbonnier(IMAGE, NOISY))
    assert float(EnhancementLoss(structure=0, colour=0)(IMAGE, NOISY)) == pytest.approx(expected)


def test_colour_counts_casts_and_not_noise():
    loss = EnhancementLoss(structure=0, colour=1, epsilon=1e-6)
    cast = IMAGE + np.float32([0.1, 0, 0])
    by_colour = float(loss(IMAGE, cast)) - np.mean(charbonnier(IMAGE, cast, 1e-6))
    assert by_colour == pytest.approx(0.1 * (0.168736 + 0.5) / 2, rel=1e-3)
    grey = IMAGE + np.float32(0.1)  # no chroma
    assert float(loss(IMAGE, grey)) == pytest.approx(0.1, rel=1e-3)


def test_small_crops_are_refused():
    with pytest.raises(ValueError, match="at least 28"):
        EnhancementLoss()(IMAGE[:, :20], NOISY[:, :20])


def test_loads_with_its_arguments():
    loss = EnhancementLoss(0.1, 0.2, 0.3)
    assert (
        keras.saving.deserialize_keras_object(
            keras.saving.serialize_keras_object(loss)
        ).get_config()
        == loss.get_config()
    )
