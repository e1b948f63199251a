import numpy as np
import pytest

from mirnet_keras.models import AWSRN, MIRNetV2
from mirnet_keras.restorer import Restorer, RestorerError


@pytest.fixture(scope="module")
def awsrn():
    return AWSRN(scale=2, blocks=1, units=1, filters=8, wide_filters=16, kernel_sizes=(3,))


@pytest.fixture
def mirnet():
    return MIRNetV2(filters=8, blocks=1, convolution_groups=(1,))


@pytest.fixture
def file(tmp_path):
    """Makes a result in a file."""

    def make(shape, dtype):
        path = tmp_path / "result.npy"
        return np.lib.format.open_memmap(path, "w+", dtype, shape)

    return make


def photo(*shape, dtype=np.uint8):
    values = np.random.default_rng(0).random(shape, np.float32)
    return values if dtype == np.float32 else (values * np.iinfo(dtype).max).astype(dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [(), (3,)])
@pytest.mark.parametrize("options", [{}, {"tile": 48}, {"ensemble": True}, {"tile": "chop"}])
def test_a_result_in_a_file_is_that_in_memory(awsrn, file, dtype, channels, options):
    image, restorer = photo(70, 90, *channels, dtype=dtype), Restorer(awsrn, **options)
    out = file((140, 180, *channels), dtype)
    assert restorer(image, out=out) is out
    np.testing.assert_array_equal(out, restorer(image))
    np.testing.assert_array_equal(np.load(out.filename), out)


def test_a_neutral_picture_stays_neutral_in_a_file(awsrn, file):
    image = np.repeat(photo(20, 30)[..., None], 3, axis=-1)
    out = file((40, 60, 3), np.uint8)
    Restorer(awsrn)(image, out=out)
    np.testing.assert_array_equal(out, Restorer(awsrn)(image))


def test_a_result_in_a_file_may_be_larger_than_the_memory(awsrn, file):
    image, restorer = photo(400, 500, 3), Restorer(awsrn)
    least = Restorer(awsrn, tile=64).estimate(image.shape).memory
    restorer.memory_budget = least - 1_000_000
    with pytest.raises(RestorerError, match="even in the smallest tiles"):
        restorer(image)
    out = file((800, 1000, 3), np.uint8)
    restorer(image, out=out)
    np.testing.assert_array_equal(out, Restorer(awsrn)(image))


def test_an_array_that_does_not_hold_the_result_is_refused(awsrn):
    image, restorer = photo(20, 30, 3), Restorer(awsrn)
    with pytest.raises(RestorerError, match=r"shape \(40, 60, 3\).*Received shape \(40, 60\)"):
        restorer(image, out=np.empty((40, 60), np.uint8))
    with pytest.raises(RestorerError, match="dtype uint8.*dtype float32"):
        restorer(image, out=np.empty((40, 60, 3), np.float32))
    constant = np.zeros((40, 60, 3), np.uint8)
    constant.flags.writeable = False
    with pytest.raises(RestorerError, match="must not be changed"):
        restorer(image, out=constant)
    with pytest.raises(RestorerError, match="Received list"):
        restorer(image, out=[])


def test_the_picture_itself_is_never_overwritten(mirnet):
    image = photo(20, 32, 3)
    with pytest.raises(RestorerError, match="is the picture to restore"):
        Restorer(mirnet)(image, out=image)
    np.testing.assert_array_equal(image, photo(20, 32, 3))
