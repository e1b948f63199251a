import numpy as np
import pytest
from keras import ops

from mirnet_keras.layers import (
    LINKS,
    ResidualInResidualSparseBlock,
    ResidualSparseBlock,
    link_table,
)
from mirnet_keras.weights.rrdbnet import residual_in_residual


def test_values_and_gradients_are_the_authors(golden_units):
    golden = golden_units("RRDB_block")
    block = ResidualInResidualSparseBlock(growth=4, links="dense")
    block.build((None, None, None, 8))
    table = residual_in_residual("", block)
    golden.fill(table)
    assert block.count_params() == 11304
    assert golden.error(block(golden["in/x"]), "out/y") < 2e-6
    x = golden["in/x"]
    for number, inner in enumerate(block.blocks, start=1):
        x = inner(x)
        assert golden.error(x, f"mid/rdb{number}") < 2e-6
    upstream = np.sign(np.asarray(block(golden["in/x"])) - golden["in/t"]) / golden["in/t"].size
    errors = golden.gradient_errors(block, golden["in/x"], upstream, golden["grad/in_x"], table)
    assert max(errors.values()) < 2e-3, errors


@pytest.mark.parametrize(
    ("links", "parameters"), [("dense", 239_808), ("log", 156_864), ("chain", 64_704)]
)
def test_parameter_counts(links, parameters):
    block = ResidualSparseBlock(growth=32, links=links)
    block.build((None, None, None, 64))
    assert block.count_params() == parameters


def test_by_hand():
    """One pixel, one channel, growth 1: a chain of products."""
    block = ResidualSparseBlock(growth=1, links="chain")
    block.build((None, None, None, 1))
    for factor, layer in zip((2, -1, 1, 1, 3), block.convolutions, strict=True):
        kernel = np.zeros((3, 3, 1, 1))
        kernel[1, 1] = factor
        layer.set_weights([kernel, np.zeros(1)])
    # 5 -> 10 -> -10, leaky -2 -> -0.4 -> -0.08 -> times 3, not leaky: -0.24; times 0.2, plus 5.
    found = ops.convert_to_numpy(block(np.full((1, 1, 1, 1), 5.0, np.float32)))
    np.testing.assert_allclose(found.item(), 5 - 0.2 * 0.24, rtol=1e-6)


def test_named_tables_are_valid():
    assert all(link_table(name) == link_table(table) for name, table in LINKS.items())
    assert sum(len(sources) for sources in LINKS["log"]) == 11


@pytest.mark.parametrize(
    ("links", "message"),
    [
        ("sparse", "must be one of"),
        ([[0], [0], [0], [0]], "five lists"),
        ([[0], [], [0], [0], [0]], "five lists"),
        ([[0], [0, 0], [1], [2], [3]], "no node twice"),
        ([[0], [2], [1], [2], [3]], "Convolution 2 can read the nodes 0 to 1"),
        ([[0], [1], [0], [3], [4]], r"nothing reads \[2\]"),
    ],
)
def test_tables_that_do_not_fit(links, message):
    with pytest.raises(ValueError, match=message):
        ResidualSparseBlock(links=links)
