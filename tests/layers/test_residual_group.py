import numpy as np
import pytest

from mirnet_keras.layers import LocalSourceResidualAttentionGroup, ResidualGroup
from mirnet_keras.weights.tensors import convolution, dense

IMAGE = np.random.default_rng(0).standard_normal((2, 5, 7, 8)).astype(np.float32)


def test_output_and_gradients_are_the_authors(golden_units):
    golden = golden_units("RCAN_unit_blocks")
    group = ResidualGroup(blocks=2, reduction=4)
    group.build((None, None, None, 8))
    table = convolution("group.body.2", group.last)
    for b, block in enumerate(group.blocks):
        table += convolution(f"group.body.{b}.body.0", block.first)
        table += convolution(f"group.body.{b}.body.2", block.second)
        table += dense(f"group.body.{b}.body.3.conv_du.0", block.channel.squeeze)
        table += dense(f"group.body.{b}.body.3.conv_du.2", block.channel.excite)
    golden.fill(table)
    assert golden.error(group(golden["in/x"]), "out/group") < 2e-6
    errors = golden.gradient_errors(
        group, golden["in/x"], golden["in_gy/group"], golden["grad_in/group"], table
    )
    assert max(errors.values()) < 2e-3, errors


@pytest.mark.parametrize(
    "group", [ResidualGroup(2, reduction=4), LocalSourceResidualAttentionGroup(2, reduction=4)]
)
def test_the_input_is_added_once(group):
    group.build(IMAGE.shape)
    group.last.set_weights([0 * w for w in group.last.get_weights()])
    np.testing.assert_array_equal(group(IMAGE), IMAGE)


def test_the_second_order_attention_stands_between_the_blocks_and_the_convolution():
    group = LocalSourceResidualAttentionGroup(2, reduction=4, statistics_size=3)
    outputs = group(IMAGE)
    first, second = group.blocks
    expected = group.last(group.attention(second(first(IMAGE)))) + IMAGE
    np.testing.assert_allclose(outputs, expected, atol=1e-6)
    assert group.attention.statistics_size == 3


@pytest.mark.parametrize("blocks", [1, 3])
def test_the_number_of_blocks(blocks):
    plain, second_order = ResidualGroup(blocks), LocalSourceResidualAttentionGroup(blocks)
    for group in (plain, second_order):
        group.build((None, None, None, 16))
    convolution, gate = 9 * 16 * 16 + 16, 2 * 16 + 1 + 16  # reduction 16: one hidden unit
    assert plain.count_params() == blocks * (2 * convolution + gate) + convolution
    assert second_order.count_params() == blocks * 2 * convolution + gate + convolution
