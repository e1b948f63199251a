import numpy as np
import pytest


@pytest.fixture(scope="session")
def noise():
    """`noise(dtype, shape)`: random samples over the whole range of a type."""

    def samples(dtype=np.uint8, shape=(10, 14, 3)):
        rng = np.random.default_rng(0)
        if np.issubdtype(dtype, np.floating):
            return rng.random(shape).astype(dtype)
        return rng.integers(0, np.iinfo(dtype).max + 1, shape, dtype)

    return samples


@pytest.fixture(scope="session")
def check():
    """`check(picture, pixels, alpha)` compares shape, depth and every value."""

    def compare(picture, pixels, alpha=None):
        assert picture.pixels.dtype == pixels.dtype
        np.testing.assert_array_equal(picture.pixels, pixels)
        if alpha is None:
            assert picture.alpha is None
        else:
            assert picture.alpha.dtype == pixels.dtype
            np.testing.assert_array_equal(picture.alpha, alpha)

    return compare
