import numpy as np
import pytest

from mirnet_keras.layers import LearnedEnlargement


def test_by_hand_each_channel_has_its_own_kernel():
    layer = LearnedEnlargement(2)
    layer.build((None, None, None, 2))
    kernel = np.stack([np.arange(16).reshape(4, 4, 1), np.ones((4, 4, 1))], axis=-1)
    layer.set_weights([kernel])
    enlarged = np.asarray(layer(np.float32([[[[1, 0], [0, 10]]]])))
    assert enlarged.shape == (1, 2, 4, 2)
    # The first pixel's kernel stands one pixel before it; its outer rows and columns fall off.
    np.testing.assert_array_equal(enlarged[0, ..., 0], [[5, 6, 7, 0], [9, 10, 11, 0]])
    np.testing.assert_array_equal(enlarged[0, ..., 1], [[0, 10, 10, 10], [0, 10, 10, 10]])


@pytest.mark.parametrize("scale", [2, 8])
def test_it_starts_as_bilinear_enlargement(scale):
    rows, columns = np.mgrid[:5, :6].astype(np.float32)
    enlarged = np.asarray(LearnedEnlargement(scale)((2 * rows - columns)[None, ..., None]))
    inside = slice(scale, -scale)
    rows, columns = np.mgrid[: 5 * scale, : 6 * scale]
    plane = 2 * ((rows + 0.5) / scale - 0.5) - ((columns + 0.5) / scale - 0.5)
    np.testing.assert_allclose(
        enlarged[0, inside, inside, 0], plane[inside, inside], atol=1e-5, rtol=1e-5
    )


@pytest.mark.parametrize("scale", [0, 3, -2])
def test_an_odd_scale_is_refused(scale):
    with pytest.raises(ValueError, match=f"`scale` must be even .* scale={scale}"):
        LearnedEnlargement(scale)
