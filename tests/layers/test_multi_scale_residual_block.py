import keras
import numpy as np
import pytest

from mirnet_keras.layers import MultiScaleResidualBlock, ScalarPReLU

IMAGE = np.random.default_rng(0).standard_normal((1, 8, 4, 8)).astype(np.float32)


@pytest.fixture(scope="module")
def block():
    keras.utils.set_random_seed(0)
    block = MultiScaleResidualBlock()  # 3 rows, 2 columns
    block.build(IMAGE.shape)
    return block


def test_flow_of_the_authors_code(block):
    unit, down, up = block.units, block.down, block.up
    # Column 0: the row above, already attended, is halved.
    o0 = unit[0](IMAGE)
    o1 = unit[1](down["0_1"](o0))
    o2 = unit[2](down["1_2"](o1))
    # Every row is fused from all rows, in the order of the rows, all of column 0.
    t0 = block.fusion[0]([o0, up["1_0"](o1), up["2_0"](o2)])
    t1 = block.fusion[1]([down["0_1"](o0), o1, up["2_1"](o2)])
    t2 = block.fusion[2]([down["0_2"](o0), down["1_2"](o1), o2])
    o0, o1, o2 = unit[0](t0), unit[1](t1), unit[2](t2)
    last = block.fusion[0]([o0, block.last_up["1_0"](o1), block.last_up["2_0"](o2)])
    expected = np.asarray(block.last(last)) + IMAGE
    np.testing.assert_allclose(block(IMAGE), expected, atol=1e-6)


def test_row_r_has_two_to_the_r_times_the_channels(block):
    assert [unit.merge.kernel.shape[-1] for unit in block.units] == [8, 16, 32]
    assert sorted(block.down) == ["0_1", "0_2", "1_2"]
    assert sorted(block.up) == ["1_0", "2_0", "2_1"]
    assert sorted(block.last_up) == ["1_0", "2_0"]
    assert len(block.down["0_2"].steps) == 2


def test_columns_share_their_units_unless_told(block):
    own = MultiScaleResidualBlock(share_columns=False)
    own.build(IMAGE.shape)
    assert len(own.units) == 2 * len(block.units)
    units = sum(unit.count_params() for unit in block.units)
    assert own.count_params() == block.count_params() + units
    assert own.unit(2, 0) is not own.unit(2, 1)
    assert block.unit(2, 0) is block.unit(2, 1)
    assert own.unit(2, 1).merge.kernel.shape[-1] == 32


def test_a_handed_in_activation_serves_all_units():
    slope = ScalarPReLU()
    block = MultiScaleResidualBlock(rows=2, activation=slope)
    block.build(IMAGE.shape)
    assert {id(unit.activation) for unit in block.units} == {id(slope)}


def test_one_column_needs_no_exchange():
    block = MultiScaleResidualBlock(columns=1)
    block.build(IMAGE.shape)
    assert (sorted(block.down), sorted(block.up), len(block.fusion)) == (["0_1", "1_2"], [], 1)
