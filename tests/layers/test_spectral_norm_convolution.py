import keras
import numpy as np
import pytest

from mirnet_keras.layers import SpectralNormConvolution

IMAGE = np.random.default_rng(0).standard_normal((2, 6, 8, 3)).astype(np.float32)


@pytest.fixture
def layer():
    keras.utils.set_random_seed(0)
    layer = SpectralNormConvolution(5)
    layer.build(IMAGE.shape)
    return layer


def largest_singular_value(layer):
    return np.linalg.svd(np.reshape(layer.kernel, (-1, layer.filters)))[1][0]


def test_training_approaches_the_largest_singular_value(layer):
    for _ in range(100):
        outputs = layer(IMAGE, training=True)
    plain = keras.ops.conv(IMAGE, layer.kernel, padding="same")
    expected = np.asarray(plain) / largest_singular_value(layer)
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)


def test_only_training_improves_the_estimate(layer):
    before = layer.get_weights()
    first, second = layer(IMAGE), layer(IMAGE)
    np.testing.assert_array_equal(first, second)
    keras.tree.map_structure(np.testing.assert_array_equal, layer.get_weights(), before)
    for _ in range(2):  # the first v belongs to the first u already
        layer(IMAGE, training=True)
    kernel, *vectors = layer.get_weights()
    np.testing.assert_array_equal(kernel, before[0])
    for now, old in zip(vectors, before[1:], strict=True):
        assert np.linalg.norm(now) == pytest.approx(1, abs=1e-6)
        assert np.abs(now - old).max() > 1e-2


def test_the_gradient_takes_the_vectors_as_constants(layer, gradients):
    layer(IMAGE, training=True)
    _, u, v = layer.get_weights()
    _, found = gradients(layer, IMAGE, keras.ops.sum)

    def by_hand(kernel):
        largest = keras.ops.sum(np.outer(v, u) * keras.ops.reshape(kernel, (-1, 5)))
        return keras.ops.conv(IMAGE, kernel / largest, padding="same")

    expected, _ = gradients(by_hand, np.array(layer.kernel), keras.ops.sum)
    np.testing.assert_allclose(found[id(layer.kernel)], expected, rtol=1e-3, atol=1e-3)


def test_a_kernel_of_zeros_gives_no_infinite_vector(layer):
    layer.kernel.assign(np.zeros(layer.kernel.shape))
    layer(IMAGE, training=True)
    assert all(np.isfinite(vector).all() for vector in (layer.u, layer.v))


@pytest.mark.parametrize("policy", ["mixed_float16", "bfloat16"])
def test_the_vectors_stay_float32(policy):
    layer = SpectralNormConvolution(5, dtype=policy)
    outputs = layer(IMAGE, training=True)
    assert {vector.dtype for vector in layer.non_trainable_variables} == {"float32"}
    assert np.isfinite(keras.ops.convert_to_numpy(keras.ops.cast(outputs, "float32"))).all()


def test_strides_of_an_even_kernel_see_both_sides():
    layer = SpectralNormConvolution(1, kernel_size=4, strides=2)
    layer.build((1, 4, 4, 1))
    layer.kernel.assign(np.ones(layer.kernel.shape))
    for _ in range(5):
        outputs = layer(np.ones((1, 4, 4, 1), np.float32), training=True)
    np.testing.assert_allclose(outputs[0, :, :, 0], np.full((2, 2), 9 / 4), rtol=1e-5)
