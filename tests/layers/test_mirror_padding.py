import numpy as np

from mirnet_keras.layers import MirrorPadding


def test_rows_and_columns_are_mirrored_from_the_outermost_on():
    image = np.arange(9, dtype=np.float32).reshape(1, 3, 3, 1)
    padded = np.asarray(MirrorPadding(2)(image))[0, ..., 0]
    np.testing.assert_array_equal(padded[2:-2, 2:-2], image[0, ..., 0])
    np.testing.assert_array_equal(padded[2], [1, 0, 0, 1, 2, 2, 1])
    np.testing.assert_array_equal(padded[:, 2], [3, 0, 0, 3, 6, 6, 3])
