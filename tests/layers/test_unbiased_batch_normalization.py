import numpy as np

from mirnet_keras.layers import UnbiasedBatchNormalization

VALUES = np.array([1, 3], np.float32).reshape(1, 1, 2, 1)  # mean 2, variance 1, unbiased 2


def test_a_step_by_hand():
    layer = UnbiasedBatchNormalization()
    normalised = layer(VALUES, training=True)
    np.testing.assert_allclose(np.ravel(normalised), [-1, 1], atol=1e-5)
    np.testing.assert_allclose(layer.moving_mean, [0.1 * 2], rtol=1e-6)
    np.testing.assert_allclose(layer.moving_variance, [0.9 * 1 + 0.1 * 2], rtol=1e-6)


def test_evaluation_takes_the_statistics_and_leaves_them():
    layer = UnbiasedBatchNormalization()
    np.testing.assert_allclose(np.ravel(layer(VALUES)), [1, 3], rtol=1e-4)
    np.testing.assert_array_equal(layer.moving_variance, [1])
    layer.trainable = False
    layer(VALUES, training=True)
    np.testing.assert_array_equal(layer.moving_variance, [1])


def test_a_single_value_has_no_variance():
    layer = UnbiasedBatchNormalization()
    layer(VALUES[:, :, :1], training=True)
    np.testing.assert_allclose(layer.moving_variance, [0.9], rtol=1e-6)
