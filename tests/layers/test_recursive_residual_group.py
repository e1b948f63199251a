import numpy as np
import pytest

from mirnet_keras.layers import RecursiveResidualGroup, RecursiveResidualGroupV2

IMAGE = np.random.default_rng(0).standard_normal((1, 4, 8, 8)).astype(np.float32)
KINDS = [(RecursiveResidualGroup, {"rows": 2, "columns": 1}), (RecursiveResidualGroupV2, {})]


@pytest.mark.parametrize(("group_class", "arguments"), KINDS)
def test_blocks_in_series_a_convolution_and_the_input(group_class, arguments):
    group = group_class(blocks=2, **arguments)
    outputs = group(IMAGE)
    assert len(group.blocks) == 2
    x = group.blocks[1](group.blocks[0](IMAGE))
    np.testing.assert_allclose(outputs, np.asarray(group.last(x)) + IMAGE, atol=1e-6)


@pytest.mark.parametrize(("group_class", "arguments"), KINDS)
def test_a_silent_last_convolution_leaves_the_input(group_class, arguments):
    group = group_class(blocks=1, **arguments)
    group.build(IMAGE.shape)
    group.last.set_weights([0 * w for w in group.last.get_weights()])
    np.testing.assert_array_equal(group(IMAGE), IMAGE)


def test_the_last_convolution_has_a_bias_in_version_two_only():
    for (group_class, arguments), bias in zip(KINDS, (False, True), strict=True):
        group = group_class(blocks=1, use_bias=True, **arguments)
        group.build(IMAGE.shape)
        assert group.last.use_bias is bias
        assert group.blocks[0].last.use_bias
