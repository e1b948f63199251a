import keras
import numpy as np
import pytest

from mirnet_keras.layers import ColourAdjustment

IMAGE = np.random.default_rng(0).random((2, 16, 24, 3), np.float32)


def with_numbers(*numbers):
    """A layer that predicts these ten numbers for every image."""
    layer = ColourAdjustment(filters=4)
    layer.build((None, None, None, 3))
    layer.predict.set_weights([np.zeros((8, 10)), np.float32(numbers)])
    return layer


def test_begins_as_the_identity():
    keras.utils.set_random_seed(0)
    np.testing.assert_allclose(ColourAdjustment()(IMAGE), IMAGE, atol=1e-6)


def test_the_curve_is_a_gamma_that_keeps_black_and_white():
    curve = with_numbers(np.log(0.5), *np.zeros(9))
    grey = np.float32([0, 0.25, 1]).reshape(1, 1, 3, 1) * np.ones((1, 4, 1, 3), np.float32)
    adjusted = np.asarray(curve(np.repeat(grey, 2, axis=2)))[0, 0, ::2, 0]
    # (sqrt(0.25 + e) - sqrt(e)) / (sqrt(1 + e) - sqrt(e)) with e = 1/512
    np.testing.assert_allclose(adjusted, [0, 0.478432, 1], atol=1e-5)


def test_the_matrix_mixes_colours():
    red_from_blue = np.zeros((3, 3), np.float32)
    red_from_blue[2, 0] = 0.5
    adjusted = np.asarray(with_numbers(0, *red_from_blue.ravel())(IMAGE))
    np.testing.assert_allclose(adjusted[..., 0], IMAGE[..., 0] + 0.5 * IMAGE[..., 2], rtol=1e-5)
    np.testing.assert_allclose(adjusted[..., 1:], IMAGE[..., 1:], atol=1e-6)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_black_and_white_have_finite_gradients(value):
    layer = with_numbers(-1, *np.zeros(9))
    model = keras.Sequential([keras.Input((16, 16, 3)), layer])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    image = np.full((1, 16, 16, 3), value, np.float32)
    assert np.isfinite(model.train_on_batch(image, 0.5 * image + 0.2))
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
