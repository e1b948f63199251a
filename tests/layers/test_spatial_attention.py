import numpy as np

from mirnet_keras.layers import SpatialAttention

IMAGE = np.random.default_rng(0).random((2, 5, 7, 4), np.float32)


def with_kernel(kernel):
    layer = SpatialAttention(kernel.shape[0])
    layer.build((None, None, None, 4))
    layer.set_weights([kernel])
    return layer


def test_gate_is_half_when_its_weights_are_zero():
    np.testing.assert_allclose(with_kernel(np.zeros((5, 5, 2, 1)))(IMAGE), IMAGE / 2, rtol=1e-6)


def test_the_maximum_comes_first_then_the_mean():
    pixel = np.float32([0, 0, 0, np.log(3)]).reshape(1, 1, 1, 4)
    for kernel, logit in [((1, 0), np.log(3)), ((0, 1), np.log(3) / 4), ((0, 4), np.log(3))]:
        layer = with_kernel(np.float32(kernel).reshape(1, 1, 2, 1))
        _, gate = layer(pixel, return_attention=True)
        np.testing.assert_allclose(gate, 1 / (1 + np.exp(-logit)) * np.ones((1, 1, 1, 1)), 1e-6)


def test_returned_attention_is_the_gate():  # C12, C13
    layer = with_kernel(np.random.default_rng(1).standard_normal((5, 5, 2, 1)))
    outputs, gate = layer(IMAGE, return_attention=True)
    assert gate.shape == (2, 5, 7, 1)
    assert 0 <= np.min(gate) < np.max(gate) <= 1
    np.testing.assert_array_equal(outputs, layer(IMAGE))
    np.testing.assert_allclose(outputs, IMAGE * np.asarray(gate), rtol=1e-6)
