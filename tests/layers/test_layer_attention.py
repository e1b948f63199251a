import numpy as np
import pytest
from keras import ops

from mirnet_keras.layers import LayerAttention
from mirnet_keras.weights.tensors import vector

CASES = ["small", "large", "ties"]


def streams(features):
    """(batch, layers, height, width, channels) -> a list of layers."""
    return [features[:, i] for i in range(features.shape[1])]


@pytest.fixture
def golden(golden_units):
    return golden_units("HAN_unit_attention")


def official(golden):
    layer = LayerAttention()
    layer.build([])
    table = [vector("la.gamma", layer.gamma)]
    golden.fill(table)
    return layer, table


@pytest.mark.parametrize("case", CASES)
def test_output_is_the_authors(golden, case):
    layer, _ = official(golden)
    assert golden.error(layer(streams(golden[f"in/lam_{case}"])), f"out/lam_{case}") < 2e-6


@pytest.mark.parametrize("case", ["small", "large"])
def test_weights_are_the_authors(golden, case):
    layer, _ = official(golden)
    _, weights = layer(streams(golden[f"in/lam_{case}"]), return_attention=True)
    assert golden.error(weights, f"mid/attention_{case}") < 2e-6


def test_gradients_are_the_authors(golden):
    layer, table = official(golden)
    features, expected = (streams(golden[f"{kind}/lam_small"]) for kind in ("in", "grad_in"))
    errors = golden.gradient_errors(layer, features, golden["in_gy/lam_small"], expected, table)
    assert max(errors.values()) < 2e-3, errors


def test_equal_layers_share_the_weight(golden):
    layer, _ = official(golden)
    first, second, third = streams(3 * golden["in/lam_ties"])
    np.testing.assert_array_equal(second, first)
    np.testing.assert_array_equal(third, -first)
    _, weights = layer([first, second, third], return_attention=True)
    expected = [[0, 0, 1], [0, 0, 1], [0.5, 0.5, 0]]  # each looks at what is least like it
    np.testing.assert_allclose(np.asarray(weights)[0], expected, atol=1e-6)


@pytest.mark.parametrize(("prefer_similar", "sign"), [(False, -1), (True, 1)])
def test_two_layers_by_hand(prefer_similar, sign):
    first, second = np.float32([1, 1]), np.float32([0, 2])  # products 2, 2; 2, 4
    layer = LayerAttention(prefer_similar)
    layer.build([])
    layer.gamma.assign(10)
    layers = [x.reshape(1, 1, 1, 2) for x in (first, second)]
    outputs, weights = layer(layers, return_attention=True)
    share = 1 / (1 + np.exp(sign * 2))  # of the first layer in the second
    by_hand = np.float32([[0.5, 0.5], [share, 1 - share]])
    np.testing.assert_allclose(weights[0], by_hand, rtol=1e-6)
    features = np.stack([first, second])
    np.testing.assert_allclose(
        np.ravel(outputs), np.ravel(features + 10 * by_hand @ features), rtol=1e-6
    )


def test_it_starts_as_a_concatenation():
    layers = list(np.random.default_rng(0).random((3, 2, 5, 4, 2), np.float32))
    np.testing.assert_array_equal(LayerAttention()(layers), np.concatenate(layers, axis=-1))


def test_the_rows_of_the_weights_sum_to_one():  # C12, C13
    layers = list(np.random.default_rng(0).random((3, 2, 5, 4, 2), np.float32))
    _, weights = LayerAttention()(layers, return_attention=True)
    assert weights.shape == (2, 3, 3)
    np.testing.assert_allclose(np.sum(weights, axis=-1), 1, rtol=1e-6)


def test_one_layer_alone_looks_at_itself():
    layer = LayerAttention()
    layer.build([])
    layer.gamma.assign(0.5)
    image = np.random.default_rng(0).random((2, 5, 4, 2), np.float32)
    np.testing.assert_allclose(layer([image]), 1.5 * image, rtol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_large_products_do_not_overflow(policy):  # C14
    layer = LayerAttention(dtype=policy)
    layer.build([])
    layer.gamma.assign(1)
    features = np.random.default_rng(0).standard_normal((1, 48, 48, 64)).astype(np.float32)
    assert np.sum(features**2) / 2 > 65504  # more than float16 can hold, as is the half of it
    outputs, weights = layer([features, features / 2], return_attention=True)
    assert np.isfinite(ops.convert_to_numpy(ops.cast(outputs, "float32"))).all()
    np.testing.assert_array_equal(np.asarray(weights), [[[0, 1], [0, 1]]])
