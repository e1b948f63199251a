import keras
import numpy as np

from mirnet_keras.layers import ScalarPReLU


def test_by_hand():
    values = np.float32([-2, -0.5, 0, 3])
    np.testing.assert_array_equal(ScalarPReLU()(values), [-0.5, -0.125, 0, 3])
    np.testing.assert_array_equal(ScalarPReLU(0.5)(values), [-1, -0.25, 0, 3])


def test_one_number_for_all_channels():
    layer = ScalarPReLU()
    layer.build((None, None, None, 64))
    assert [w.shape for w in layer.get_weights()] == [()]


def test_one_layer_in_two_places_is_one_slope():
    layer = ScalarPReLU()
    inputs = keras.Input((4,))
    assert keras.Model(inputs, layer(layer(inputs))).count_params() == 1
    np.testing.assert_array_equal(layer(layer(np.float32([-16, 2]))), [-1, 2])
