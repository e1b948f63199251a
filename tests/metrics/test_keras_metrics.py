"""Keras metrics with weights, and their warnings."""

import numpy as np
import pytest

from mirnet_keras.metrics import PSNR, SSIM


@pytest.mark.parametrize("metric", [PSNR, SSIM])
@pytest.mark.parametrize("weights", [(2,), (2, 1, 1), (2, 16, 16), (2, 16, 16, 1)], ids=str)
def test_weights_choose_images_and_pixels(metric, weights):
    random = np.random.default_rng(3)
    true = random.random((2, 16, 16, 3), np.float32)
    restored = np.clip(true + random.normal(0, 0.1, true.shape), 0, 1).astype(np.float32)
    first_alone = np.zeros(weights, np.float32)
    first_alone[0] = 0.5
    expected, weighted = metric(border=1), metric(border=1)
    expected.update_state(true[:1], restored[:1])
    weighted.update_state(true, restored, first_alone)
    assert float(weighted.result()) == pytest.approx(float(expected.result()), rel=1e-5)


def test_pixels_without_weight_do_not_count():
    true = np.zeros((1, 4, 4, 3), np.float32)
    restored = true + 0.1
    restored[:, :2] = 0.5
    weights = np.ones((1, 4, 4), np.float32)
    weights[:, :2] = 0
    metric = PSNR()
    metric.update_state(true, restored, weights)
    assert float(metric.result()) == pytest.approx(20, abs=1e-3)


@pytest.mark.parametrize("metric", [PSNR, SSIM])
def test_white_of_255_measured_as_1_is_warned_of(metric):
    images = np.full((1, 16, 16, 3), 200, np.float32)
    measured = metric()
    measured.update_state(images, images)
    with pytest.warns(UserWarning, match="max_value=255"):
        measured.result()
    with pytest.warns(UserWarning, match="max_value=255"):
        measured.reset_state()
