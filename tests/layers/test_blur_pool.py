import numpy as np
import pytest

from mirnet_keras.layers import BlurPool


@pytest.mark.parametrize("size", [(2, 2), (5, 4), (7, 9)])
def test_a_constant_stays_constant_up_to_the_border(size):
    np.testing.assert_array_equal(
        BlurPool()(np.ones((1, *size, 2), np.float32)),
        np.ones((1, -(-size[0] // 2), -(-size[1] // 2), 2)),
    )


def blurred_impulse(row, column):
    image = np.zeros((1, 6, 6, 1), np.float32)
    image[0, row, column] = 16
    return np.asarray(BlurPool()(image))[0, ..., 0]


def test_output_pixels_are_centred_on_even_input_pixels():
    expected = np.zeros((3, 3))
    expected[1, 1] = 4  # 2 * 2 of 16
    np.testing.assert_array_equal(blurred_impulse(2, 2), expected)


def test_an_odd_pixel_is_shared_by_its_neighbours():
    expected = np.zeros((3, 3))
    expected[1:, 1:] = 1
    np.testing.assert_array_equal(blurred_impulse(3, 3), expected)


def test_the_border_is_reflected_without_repeating_the_edge_pixel():
    # Row and column -1 are row and column 1, which then count twice beside the edge.
    np.testing.assert_array_equal(blurred_impulse(1, 1)[:2, :2], [[4, 2], [2, 1]])
    np.testing.assert_array_equal(blurred_impulse(0, 0)[0, 0], 4)
