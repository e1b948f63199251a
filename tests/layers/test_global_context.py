import numpy as np

from mirnet_keras.layers import GlobalContext

IMAGE = np.random.default_rng(0).random((2, 5, 7, 4), np.float32)


def with_weights(mask, squeeze, expand):
    layer = GlobalContext()
    layer.build((None, None, None, 4))
    layer.set_weights([np.float32(w) for w in (mask.reshape(1, 1, 4, 1), squeeze, expand)])
    return layer


def test_without_preference_the_context_is_the_mean_of_the_image():
    layer = with_weights(np.zeros(4), np.eye(4), np.eye(4))
    means = IMAGE.mean(axis=(1, 2), keepdims=True)  # positive, so the leaky ReLU keeps them
    np.testing.assert_allclose(layer(IMAGE), IMAGE + means, rtol=1e-5)


def test_negative_contexts_pass_with_a_fifth():
    layer = with_weights(np.zeros(4), -np.eye(4), np.eye(4))
    means = IMAGE.mean(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(layer(IMAGE), IMAGE - 0.2 * means, rtol=1e-5)


def test_attention_sums_to_one_and_prefers_what_the_mask_asks_for():  # C12, C13
    layer = with_weights(np.float32([np.log(3), 0, 0, 0]), np.eye(4), np.eye(4))
    two_pixels = np.zeros((1, 1, 2, 4), np.float32)
    two_pixels[0, 0, 1, 0] = 1
    _, attention = layer(two_pixels, return_attention=True)
    np.testing.assert_allclose(np.ravel(attention), [0.25, 0.75], rtol=1e-6)
    outputs, attention = layer(IMAGE, return_attention=True)
    assert attention.shape == (2, 5, 7, 1)
    assert np.min(attention) > 0
    np.testing.assert_allclose(np.sum(attention, axis=(1, 2, 3)), 1, rtol=1e-6)
    np.testing.assert_array_equal(outputs, layer(IMAGE))


def test_a_large_image_in_half_precision():  # C14: 65536 weights that float16 would round to 0
    layer = GlobalContext(dtype="mixed_float16")
    outputs, attention = layer(np.ones((1, 256, 256, 4), np.float16), return_attention=True)
    assert np.isfinite(outputs).all()
    np.testing.assert_allclose(np.sum(attention), 1, rtol=1e-4)
