import numpy as np
import pytest

from mirnet_keras.layers import ShareSource

IMAGE = np.random.default_rng(0).standard_normal((2, 5, 7, 3)).astype(np.float32)


@pytest.mark.parametrize("by_channel", [False, True])
def test_it_starts_at_zero(by_channel):
    np.testing.assert_array_equal(ShareSource(by_channel)(IMAGE), 0 * IMAGE)


def test_one_number_multiplies_all():
    layer = ShareSource()
    layer.build(IMAGE.shape)
    layer.set_weights([np.array(-0.5)])
    np.testing.assert_array_equal(layer(IMAGE), -0.5 * IMAGE)


def test_by_channel_it_is_a_matrix_without_bias():
    layer = ShareSource(by_channel=True)
    layer.build(IMAGE.shape)
    (zeros,) = layer.get_weights()
    mixing = np.float32([[1, 2, 0], [0, 0, 3], [0, -1, 0]])
    layer.set_weights([mixing.reshape(zeros.shape)])
    np.testing.assert_allclose(layer(IMAGE), IMAGE @ mixing, rtol=1e-5, atol=1e-6)
