import numpy as np
import pytest

from mirnet_keras.layers import GroupedConvolution, ResidualContextualBlock

IMAGE = np.random.default_rng(0).standard_normal((2, 5, 7, 4)).astype(np.float32)


def leaky(x):
    return np.where(x > 0, x, 0.2 * x)


def test_by_hand_with_convolutions_that_hand_on():
    block = ResidualContextualBlock()
    block.build(IMAGE.shape)
    identity = np.zeros((3, 3, 4, 4))
    identity[1, 1] = np.eye(4)
    for layer in (block.first, block.second):
        layer.set_weights([identity])
    block.context.set_weights([0 * w for w in block.context.get_weights()])
    np.testing.assert_allclose(block(IMAGE), IMAGE + leaky(leaky(IMAGE)), rtol=1e-5)


@pytest.mark.parametrize("groups", [1, 2])
def test_the_context_stands_before_the_last_activation(groups):
    block = ResidualContextualBlock(groups=groups)
    outputs = block(IMAGE)
    features = block.second(leaky(np.asarray(block.first(IMAGE))))
    expected = leaky(np.asarray(block.context(features))) + IMAGE
    np.testing.assert_allclose(outputs, expected, atol=1e-6)


def test_only_the_two_convolutions_are_grouped():
    block = ResidualContextualBlock(groups=2)
    block.build(IMAGE.shape)
    assert isinstance(block.first, GroupedConvolution)
    assert isinstance(block.second, GroupedConvolution)
    assert block.context.expand.kernel.shape == (4, 4)


def test_groups_that_do_not_divide_the_channels_are_refused():
    with pytest.raises(ValueError, match="groups=3, filters=4, channels=4"):
        ResidualContextualBlock(groups=3).build(IMAGE.shape)
