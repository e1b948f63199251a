import numpy as np
import pytest

from mirnet_keras.layers import MirrorPadding
from mirnet_keras.layers.mirror_padding import with_mirrored_frame


def test_rows_and_columns_are_mirrored_from_the_outermost_on():
    image = np.arange(9, dtype=np.float32).reshape(1, 3, 3, 1)
    padded = np.asarray(MirrorPadding(2)(image))[0, ..., 0]
    np.testing.assert_array_equal(padded[2:-2, 2:-2], image[0, ..., 0])
    np.testing.assert_array_equal(padded[2], [1, 0, 0, 1, 2, 2, 1])
    np.testing.assert_array_equal(padded[:, 2], [3, 0, 0, 3, 6, 6, 3])


@pytest.mark.parametrize("first, mode", [(0, "symmetric"), (1, "reflect")])
@pytest.mark.parametrize("size", [(2, 2), (5, 4)])
def test_a_frame_is_what_padding_by_one_gives(first, mode, size):
    images = np.random.default_rng(0).random((2, *size, 3), np.float32)
    expected = np.pad(images, [(0, 0), (1, 1), (1, 1), (0, 0)], mode=mode)
    np.testing.assert_array_equal(np.asarray(with_mirrored_frame(images, first)), expected)
