import keras
import numpy as np
import pytest

from mirnet_keras.layers import BilinearEnlargement


def with_kernel(kernel):
    layer = BilinearEnlargement(kernel.shape[1])
    layer.build((None, None, None, kernel.shape[0]))
    layer.set_weights([kernel[None, None]])
    return layer


def test_a_ramp_of_two_pixels_has_quarters_between():
    ramp = np.float32([[0, 4]]).reshape(1, 1, 2, 1)
    enlarged = np.asarray(with_kernel(np.ones((1, 1), np.float32))(ramp))[0, ..., 0]
    np.testing.assert_array_equal(enlarged, [[0, 1, 3, 4], [0, 1, 3, 4]])
    turned = np.asarray(with_kernel(np.ones((1, 1), np.float32))(ramp.swapaxes(1, 2)))[0, ..., 0]
    np.testing.assert_array_equal(turned, enlarged.T)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (7, 4)])
def test_equal_to_a_1_x_1_convolution_and_bilinear_resizing(size):
    random = np.random.default_rng(0)
    image = random.random((2, *size, 3), np.float32)
    kernel = random.standard_normal((3, 5)).astype(np.float32)
    expected = keras.ops.image.resize(image @ kernel, [2 * s for s in size], "bilinear")
    np.testing.assert_allclose(with_kernel(kernel)(image), expected, atol=1e-5)
