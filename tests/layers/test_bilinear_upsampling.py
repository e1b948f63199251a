import keras
import numpy as np

from mirnet_keras.layers import BilinearUpsampling

IMAGE = np.random.default_rng(0).random((2, 5, 7, 3), np.float32)


def test_equals_bilinear_resizing_with_half_pixel_centres():
    expected = keras.ops.image.resize(IMAGE, (10, 14), interpolation="bilinear")
    np.testing.assert_allclose(BilinearUpsampling()(IMAGE), expected, atol=1e-6)


def test_a_step_by_hand():
    step = np.array([0, 4], np.float32).reshape(1, 1, 2, 1)
    doubled = np.asarray(BilinearUpsampling()(step))
    assert doubled[0, :, :, 0].tolist() == [[0, 1, 3, 4]] * 2
