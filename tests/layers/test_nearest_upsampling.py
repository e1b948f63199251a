import keras
import numpy as np
import pytest

from mirnet_keras.layers import NearestUpsampling


@pytest.mark.parametrize("scale", [2, 3])
def test_equals_keras(scale):
    image = np.random.default_rng(0).random((2, 3, 5, 4), np.float32)
    expected = keras.layers.UpSampling2D(scale, interpolation="nearest")(image)
    np.testing.assert_array_equal(NearestUpsampling(scale)(image), expected)
