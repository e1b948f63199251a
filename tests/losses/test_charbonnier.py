import keras
import numpy as np
import pytest
from keras import ops

from mirnet_keras.losses import LOSSES, Charbonnier, charbonnier


def test_by_hand():
    truth = np.array([[[0.0, 0.0]]])
    restored = np.array([[[0.03, 0.0]]])
    # sqrt(0.03^2 + 0.04^2) = 0.05 and sqrt(0.04^2) = 0.04
    np.testing.assert_allclose(charbonnier(truth, restored, epsilon=0.04), [[0.045]], rtol=1e-6)
    assert float(Charbonnier(epsilon=0.04)(truth, restored)) == pytest.approx(0.045, rel=1e-6)


def test_equal_images_cost_epsilon():
    image = np.random.default_rng(0).random((2, 4, 4, 3))
    assert float(Charbonnier()(image, image)) == pytest.approx(1e-3, rel=1e-6)


def test_bfloat16_predictions_are_compared_in_float32():
    truth = np.full((1, 2, 2, 3), 0.7501, np.float32)  # which bfloat16 would round to 0.75
    restored = ops.cast(np.full((1, 2, 2, 3), 0.75), "bfloat16")
    for loss in (charbonnier(truth, restored, 1e-6), Charbonnier(1e-6)(truth, restored)):
        assert keras.backend.standardize_dtype(loss.dtype) == "float32"
        np.testing.assert_allclose(loss, 1e-4, rtol=1e-2)


def test_clip_takes_predictions_to_0_1():
    truth = np.array([[[1.0, 0.0]]])
    outside = np.array([[[1.5, -0.5]]])
    assert float(Charbonnier(clip=True)(truth, outside)) == pytest.approx(1e-3, rel=1e-6)
    assert float(Charbonnier()(truth, outside)) == pytest.approx(0.5, rel=1e-4)


@pytest.mark.parametrize("clip", [False, True])
def test_a_pixel_outside_gets_a_gradient_unless_clipped(clip):
    model = keras.Sequential(
        [keras.Input((1, 1, 1)), keras.layers.Conv2D(1, 1, bias_initializer=lambda *_, **__: 2.0)]
    )
    model.compile("sgd", Charbonnier(clip=clip))
    model.fit(np.zeros((1, 1, 1, 1)), np.zeros((1, 1, 1, 1)), verbose=0)
    bias = model.get_weights()[1].item()
    assert bias == pytest.approx(2.0 if clip else 1.99, abs=1e-6)  # rate 0.01, gradient 1


def test_config_round_trip():
    loss = Charbonnier(epsilon=0.02, clip=True, reduction="sum", name="robust")
    copy = keras.losses.deserialize(keras.losses.serialize(loss))
    assert isinstance(copy, Charbonnier)
    assert copy.get_config() == loss.get_config()
    image = np.zeros((1, 2, 2, 3))
    assert float(copy(image, image)) == pytest.approx(4 * 0.02, rel=1e-6)  # a sum over 4 pixels


@pytest.mark.parametrize("epsilon", [0, -1e-3, float("nan")])
def test_epsilon_must_be_positive(epsilon):
    with pytest.raises(ValueError, match="above 0"):
        Charbonnier(epsilon)


def test_every_named_loss_vanishes_for_equal_images_and_grows():
    image = np.full((1, 28, 28, 3), 0.5)
    for name, make in LOSSES.items():
        loss = make()
        assert float(loss(image, image)) <= 1e-3 + 1e-9, name
        pixels = 0.25 if name == "mse" else 0.5
        structure = 0.3 * (1 - (2 * 0.5 + 1e-4) / (0.25 + 1 + 1e-4)) if name == "enhancement" else 0
        assert float(loss(image, image + 0.5)) == pytest.approx(pixels + structure, rel=1e-3)
