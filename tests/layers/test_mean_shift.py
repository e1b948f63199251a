import numpy as np
import pytest

from mirnet_keras.layers import MEAN_COLOUR, MeanShift
from mirnet_keras.weights.tensors import convolution

IMAGE = np.random.default_rng(0).random((2, 5, 7, 3), np.float32)


def test_it_is_the_authors(golden_units):
    golden = golden_units("RCAN_unit_blocks")
    layer = MeanShift(255.0)
    layer.build((None, None, None, 3))
    golden.fill(convolution("sub_mean", layer))
    assert golden.error(layer(golden["in/mean_shift"] / 255), "out/mean_shift") < 2e-6


def test_the_mean_colour_becomes_zero():
    shifted = MeanShift(255.0)(np.float32(MEAN_COLOUR).reshape(1, 1, 1, 3))
    np.testing.assert_allclose(shifted, np.zeros((1, 1, 1, 3)), atol=1e-4)


@pytest.mark.parametrize("value_range", [1.0, 255.0])
def test_white_is_the_value_range_above_black(value_range):
    layer = MeanShift(value_range)
    white, black = (np.ravel(layer(np.full((1, 1, 1, 3), x, np.float32))) for x in (1, 0))
    np.testing.assert_allclose(white - black, 3 * [value_range], rtol=1e-6)
    np.testing.assert_allclose(black, -value_range * np.float32(MEAN_COLOUR), rtol=1e-6)


def test_adding_undoes_subtracting():
    arguments = {"value_range": 100.0, "mean": (0.1, 0.2, 0.7)}
    there, back = MeanShift(**arguments), MeanShift(add=True, **arguments)
    np.testing.assert_allclose(there(IMAGE), 100 * (IMAGE - np.float32([0.1, 0.2, 0.7])), atol=1e-4)
    np.testing.assert_allclose(back(there(IMAGE)), IMAGE, atol=1e-6)


@pytest.mark.parametrize("add", [False, True])
def test_any_matrix_may_stand_in_it(add):
    layer = MeanShift(10.0, add=add)
    layer.build(IMAGE.shape)
    mixing, offset = np.float32([[1, 2, 3], [0, 1, 0], [5, 0, -1]]), np.float32([1, 2, 3])
    layer.set_weights([mixing[None, None], offset])
    expected = (IMAGE @ mixing + offset) / 10 if add else 10 * IMAGE @ mixing + offset
    np.testing.assert_allclose(layer(IMAGE), expected, rtol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_it_is_rounded_once_under_mixed_precision(policy):  # C14
    mixed = np.asarray(MeanShift(dtype=policy)(IMAGE), np.float32)
    rounding = 2**-11 if policy == "mixed_float16" else 2**-8
    np.testing.assert_allclose(mixed, MeanShift()(IMAGE), rtol=rounding)


def test_what_float16_cannot_hold_is_limited():
    wild = np.float32([1e4, -1e4, 1]).reshape(1, 1, 1, 3)
    assert np.abs(MeanShift()(wild)).max() > 1e6
    limited = np.ravel(MeanShift(dtype="mixed_float16")(wild))
    np.testing.assert_array_equal(limited[:2], [2040, -2040])  # 8 * 255
    assert limited[2] == pytest.approx(255 * (1 - MEAN_COLOUR[2]), rel=1e-3)


def test_white_is_above_zero():
    with pytest.raises(ValueError, match="above 0"):
        MeanShift(value_range=0)
