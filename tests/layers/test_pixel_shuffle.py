import numpy as np
import pytest

from mirnet_keras.layers import PixelShuffle


def test_ramp_by_hand():
    ramp = np.arange(4, dtype=np.float32).reshape(1, 1, 1, 4)
    np.testing.assert_array_equal(PixelShuffle(2)(ramp)[0, ..., 0], [[0, 1], [2, 3]])


@pytest.mark.parametrize("scale", [2, 3])
def test_group_i_j_becomes_pixel_i_j(scale):
    height, width, channels = 2, 5, 3
    image = np.arange(height * width * scale**2 * channels, dtype=np.float32)
    image = image.reshape(1, height, width, scale, scale, channels)  # y, x, i, j, c
    expected = image.transpose(0, 1, 3, 2, 4, 5).reshape(1, height * scale, width * scale, channels)
    shuffled = PixelShuffle(scale)(image.reshape(1, height, width, -1))
    np.testing.assert_array_equal(shuffled, expected)


def test_channels_that_do_not_divide_are_refused():
    with pytest.raises(ValueError, match=r"multiple of scale \* scale = 4.*\(1, 2, 2, 6\)"):
        PixelShuffle(2)(np.zeros((1, 2, 2, 6), np.float32))
