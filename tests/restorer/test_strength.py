import keras
import numpy as np
import pytest

from mirnet_keras.images import to_dtype, to_float
from mirnet_keras.imresize import imresize
from mirnet_keras.models import AWSRN, MIRNetV2
from mirnet_keras.pictures import Picture
from mirnet_keras.restorer import Restorer, RestorerError, restore_picture


@pytest.fixture(scope="module", params=[2, 3])
def enlarging(request):
    keras.utils.set_random_seed(0)
    return AWSRN(
        scale=request.param, blocks=1, units=1, filters=4, wide_filters=8, kernel_sizes=(3,)
    )


@pytest.fixture(scope="module")
def keeping():
    keras.utils.set_random_seed(0)
    return MIRNetV2(filters=8, blocks=1, convolution_groups=(1,))


def photo(*shape, dtype=np.uint8):
    values = np.random.default_rng(0).random(shape, np.float32)
    return values if dtype == np.float32 else (values * np.iinfo(dtype).max).astype(dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [(), (3,)])
@pytest.mark.parametrize(
    "options", [{}, {"tile": 48}, {"ensemble": True}, {"tile": "chop"}, {"border": "wrap"}]
)
def test_none_of_the_result_is_the_exact_bicubic(enlarging, dtype, channels, options):
    image = photo(70, 90, *channels, dtype=dtype)
    plain = imresize(image.reshape(70, 90, -1), enlarging.scale).clip(0, None)
    if dtype == np.float32:
        plain = plain.clip(0, 1)
    result = Restorer(enlarging, strength=0, **options)(image)
    np.testing.assert_array_equal(result, plain.reshape(result.shape))
    assert result.dtype == dtype


def test_none_of_the_result_is_the_input_where_nothing_is_enlarged(keeping):
    for image in (photo(40, 50, 3), photo(40, 50), photo(40, 50, 3, dtype=np.uint16)):
        np.testing.assert_array_equal(Restorer(keeping, strength=0)(image), image)
    neutral = np.repeat(photo(40, 50, 1), 3, axis=-1)
    np.testing.assert_array_equal(Restorer(keeping, strength=0)(neutral), neutral)


def test_a_part_lies_between_both_ends(enlarging):
    image = photo(70, 90, 3)
    whole, plain = (to_float(Restorer(enlarging, strength=s)(image)) for s in (1, 0))
    exact = Restorer(enlarging)(to_float(image))
    part = Restorer(enlarging, strength=0.25, tile=48)(image)
    assert np.abs(whole - plain).max() > 0.1
    np.testing.assert_array_equal(part, to_dtype(plain + 0.25 * (exact - plain), np.uint8))


def test_all_of_the_result_costs_no_enlargement(enlarging, monkeypatch):
    image = photo(30, 20, 3)
    half = Restorer(enlarging, strength=0.5)
    monkeypatch.setattr("mirnet_keras.restorer.canvas.imresize", None)
    np.testing.assert_array_equal(half.with_strength(1)(image), Restorer(enlarging)(image))
    assert half.strength == 0.5
    with pytest.raises(TypeError):
        half(image)


def test_transparency_takes_the_same_part(enlarging):
    alpha = np.zeros((40, 30), np.uint8)
    alpha[10:30, 10:20] = photo(20, 10)
    restorer = Restorer(enlarging, strength=0)
    result = restore_picture(restorer, Picture(photo(40, 30, 3), alpha), scale=restorer.scale)
    plain = imresize(alpha[..., None], restorer.scale)[..., 0]
    inner = slice(11 * restorer.scale, 29 * restorer.scale)
    middle = slice(11 * restorer.scale, 19 * restorer.scale)
    overshoots = result.alpha[inner, middle] != plain[inner, middle]  # kept within neighbours
    assert overshoots.mean() < 0.2
    assert (result.alpha[: 8 * restorer.scale] == 0).all()


@pytest.mark.parametrize("strength", [-0.01, 1.01, float("nan"), "1", None])
def test_another_strength_is_refused(keeping, strength):
    with pytest.raises(RestorerError, match="from 0 .* to 1 .* Received"):
        Restorer(keeping, strength=strength)
    with pytest.raises(RestorerError, match="from 0"):
        Restorer(keeping).with_strength(strength)


def test_copies_learn_together_that_memory_is_short(keeping):
    restorer = Restorer(keeping)
    half = restorer.with_strength(0.5)
    half(photo(20, 20, 3))
    assert restorer.estimate((20, 20, 3)).seconds > 0
