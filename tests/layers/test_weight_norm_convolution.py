import keras
import numpy as np
import pytest
from keras import ops

from mirnet_keras.layers import WeightNormConvolution

IMAGE = np.random.default_rng(0).standard_normal((2, 5, 7, 3)).astype(np.float32)


@pytest.fixture
def layer():
    keras.utils.set_random_seed(2)
    layer = WeightNormConvolution(4)
    layer.build(IMAGE.shape)
    return layer


def norms(kernel):
    return np.sqrt(np.sum(np.square(kernel), axis=(0, 1, 2)))


def test_the_length_is_the_norm_of_the_kernel(layer):
    layer.length.assign([1, 2, 3, -4])
    np.testing.assert_allclose(norms(layer.kernel()), [1, 2, 3, 4], rtol=1e-6)


def test_a_longer_direction_is_the_same_direction(layer):
    before = np.asarray(layer(IMAGE))
    layer.direction.assign(layer.direction * np.float32([2, 1e-3, 50, 1]))
    np.testing.assert_allclose(layer(IMAGE), before, atol=1e-6)


def test_at_the_start_the_kernel_is_the_direction(layer):
    np.testing.assert_allclose(layer.kernel(), ops.convert_to_tensor(layer.direction), rtol=1e-5)
    bound = 27**-0.5
    assert np.abs(layer.direction).max() <= bound
    assert 0 < np.abs(layer.bias).max() <= bound


def test_the_scale_multiplies_kernel_and_bias(layer):
    layer.bias.assign([1, 2, 3, 4])
    np.testing.assert_allclose(layer(IMAGE, scale=-0.5), -0.5 * layer(IMAGE), atol=1e-6)


def test_the_activation_comes_last():
    layer = WeightNormConvolution(4, 1, activation="relu")
    layer.build(IMAGE.shape)
    layer.bias.assign([-9, -9, -9, 9])
    outputs = np.asarray(layer(IMAGE))
    assert (outputs[..., :3] == 0).all()
    assert (outputs[..., 3] > 5).all()


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_the_kernel_is_computed_in_float32(layer, policy):
    mixed = WeightNormConvolution(4, dtype=policy)
    mixed.build(IMAGE.shape)
    mixed.set_weights(layer.get_weights())
    np.testing.assert_array_equal(mixed.kernel(), layer.kernel())
    kernel = ops.cast(layer.kernel(), mixed.compute_dtype)
    expected = ops.conv(ops.cast(IMAGE, mixed.compute_dtype), kernel, padding="same")
    expected = expected + ops.cast(layer.bias, mixed.compute_dtype)
    difference = ops.cast(mixed(IMAGE), "float32") - ops.cast(expected, "float32")
    np.testing.assert_array_equal(difference, np.zeros(difference.shape))
