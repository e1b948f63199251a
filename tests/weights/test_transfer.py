"""A network starts with what it shares with another, as the papers train them."""

import keras
import numpy as np
import pytest

from mirnet_keras.models import HAN, RCAN, SAN
from mirnet_keras.weights import transfer_by_name

SMALL = {"groups": 2, "blocks": 1, "filters": 8, "reduction": 4}
OF_HAN_ALONE = {
    "layer_attention/gamma",
    "layer_fusion/kernel",
    "layer_fusion/bias",
    "channel_spatial_attention/kernel",
    "channel_spatial_attention/bias",
    "channel_spatial_attention/gamma",
    "fusion/kernel",
    "fusion/bias",
}
# RCAN.md, section 5: the convolutions of the up-sampling that scale 2 has not, or in another shape.
NEW_STEPS = {3: ["widen_0"], 4: ["widen_1"], 8: ["widen_1", "widen_2"]}


def values(model):
    return {variable.path: np.array(variable) for variable in model.variables}


def numbered(model, first):
    """The model with another number in each place of each weight."""
    for variable in model.variables:
        size = int(np.prod(variable.shape))
        variable.assign(np.arange(first, first + size, dtype="float32").reshape(variable.shape))
        first += size
    return model


def check_transfer(source, target, expected):
    """All but `expected` is the source's, bit for bit; `expected` is as it was."""
    theirs, before = values(source), values(target)
    kept = transfer_by_name(source, target)
    assert set(kept) == set(expected)
    assert len(kept) == len(expected)
    for path, array in values(target).items():
        wanted = before[path] if path in expected else theirs[path]
        np.testing.assert_array_equal(array, wanted, err_msg=path)


@pytest.fixture(scope="module", params=[RCAN, HAN, SAN])
def builder(request):
    return request.param


@pytest.mark.parametrize("scale", NEW_STEPS)
def test_another_scale_starts_from_scale_2(builder, scale):
    source, target = numbered(builder(2, **SMALL), 0), numbered(builder(scale, **SMALL), 10**6)
    new = [f"upsampling/{step}/{part}" for step in NEW_STEPS[scale] for part in ("kernel", "bias")]
    check_transfer(source, target, new)


def test_han_starts_from_rcan():
    source, target = numbered(RCAN(2, **SMALL), 0), numbered(HAN(2, **SMALL), 10**6)
    check_transfer(source, target, OF_HAN_ALONE)
    assert {variable.path for variable in source.variables} <= values(target).keys()


def test_han_of_another_scale_starts_from_rcan_of_scale_2():
    source, target = numbered(RCAN(2, **SMALL), 0), numbered(HAN(4, **SMALL), 10**6)
    new = {"upsampling/widen_1/kernel", "upsampling/widen_1/bias"}
    check_transfer(source, target, OF_HAN_ALONE | new)


def test_the_source_stays_as_it_is():
    source, target = numbered(RCAN(2, **SMALL), 0), numbered(HAN(3, **SMALL), 10**6)
    before = values(source)
    transfer_by_name(source, target)
    keras.tree.map_structure(np.testing.assert_array_equal, values(source), before)
