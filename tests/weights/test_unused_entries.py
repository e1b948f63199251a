"""What is in every checkpoint of SAN and never used: accepted, kept, given back."""

import numpy as np
import pytest

from mirnet_keras import weights
from mirnet_keras.models import SAN

SHAPES = {
    "RG.0.gamma": (1,),
    "RG.1.gamma": (1,),
    "conv_last.weight": (16, 16, 3, 3),
    "conv_last.bias": (16,),
    "non_local.soca.conv_du.0.weight": (2, 16, 1, 1),
    "non_local.soca.conv_du.0.bias": (2,),
    "non_local.soca.conv_du.2.weight": (16, 2, 1, 1),
    "non_local.soca.conv_du.2.bias": (16,),
}


@pytest.fixture(scope="module")
def san():
    return SAN(scale=2, groups=2, blocks=1, filters=16, reduction=4)


@pytest.fixture(scope="module")
def checkpoint(san):
    """All entries of the authors, the unused ones with numbers of their own."""
    random = np.random.default_rng(0)
    unused = {key: random.normal(size=shape).astype(np.float32) for key, shape in SHAPES.items()}
    return weights.to_official(san) | unused


def test_they_are_zero_where_none_were_loaded(san):
    arrays = weights.to_official(SAN(**san.arguments))
    for key, shape in SHAPES.items():
        np.testing.assert_array_equal(arrays[key], np.zeros(shape), strict=False, err_msg=key)
        assert (arrays[key].shape, arrays[key].dtype) == (shape, np.float32)


def test_they_are_given_back_bit_for_bit(checkpoint):
    back = weights.to_official(weights.from_official(checkpoint))
    assert back.keys() == checkpoint.keys()
    for key, array in back.items():
        np.testing.assert_array_equal(array, checkpoint[key], err_msg=key)


def test_they_may_be_missing(san, checkpoint):
    used = {key: array for key, array in checkpoint.items() if key not in SHAPES}
    loaded = weights.from_official(used)
    for ours, expected in zip(loaded.get_weights(), san.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, expected)


def test_those_of_an_earlier_checkpoint_are_forgotten(checkpoint):
    model = weights.from_official(checkpoint)
    used = {key: array for key, array in checkpoint.items() if key not in SHAPES}
    weights.load_official(model, used)
    assert not any(weights.to_official(model)[key].any() for key in SHAPES)


def test_their_shapes_are_checked(checkpoint):
    wrong = checkpoint | {"conv_last.bias": np.zeros(5, np.float32)}
    with pytest.raises(weights.WeightsError, match=r"conv_last\.bias: shape \(5,\), expected"):
        weights.from_official(wrong)


def test_other_entries_are_not_taken_for_unused(checkpoint):
    with pytest.raises(weights.WeightsError, match=r"unexpected \(1\): RG\.2\.gammas"):
        weights.from_official(checkpoint | {"RG.2.gammas": np.zeros(1)})
