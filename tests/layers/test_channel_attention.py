import numpy as np
import pytest

from mirnet_keras.layers import ChannelAttention
from mirnet_keras.weights.tensors import dense

IMAGE = np.random.default_rng(0).random((2, 5, 7, 4), np.float32)


def built(**arguments):
    layer = ChannelAttention(**arguments)
    layer.build((None, None, None, 4))
    return layer


def test_output_and_gradients_are_rcans(golden_units):
    golden = golden_units("RCAN_unit_blocks")
    layer = ChannelAttention(reduction=4, use_bias=True)
    layer.build((None, None, None, 8))
    table = dense("ca.conv_du.0", layer.squeeze) + dense("ca.conv_du.2", layer.excite)
    golden.fill(table)
    assert golden.error(layer(golden["in/x"]), "out/ca") < 2e-6
    errors = golden.gradient_errors(
        layer, golden["in/x"], golden["in_gy/ca"], golden["grad_in/ca"], table
    )
    assert max(errors.values()) < 2e-3, errors


def test_gate_is_half_when_its_weights_are_zero():
    layer = built(reduction=2)
    layer.set_weights([0 * w for w in layer.get_weights()])
    np.testing.assert_allclose(layer(IMAGE), IMAGE / 2, rtol=1e-6)  # sigmoid(0) = 1/2


def test_by_hand_on_one_hidden_unit():
    layer = built(reduction=4)
    excite = np.float32([[0, 1, -1, 1000]])
    layer.set_weights([np.ones((4, 1)), excite])
    constant = np.ones((1, 3, 3, 4), np.float32) * np.float32([1, 0, 0, np.log(3) - 1])
    _, gate = layer(constant, return_attention=True)
    # The hidden unit is the sum of the means, log 3, and sigmoid(log 3) = 3/4.
    np.testing.assert_allclose(gate, [[0.5, 0.75, 0.25, 1]], rtol=1e-6)


def test_returned_attention_is_the_gate():  # C12, C13
    layer = built(reduction=2, use_bias=True)
    outputs, gate = layer(IMAGE, return_attention=True)
    assert gate.shape == (2, 4)
    assert 0 < np.min(gate) <= np.max(gate) < 1
    np.testing.assert_array_equal(outputs, layer(IMAGE))
    np.testing.assert_allclose(outputs, IMAGE * np.asarray(gate)[:, None, None], rtol=1e-6)


def test_only_the_means_decide():
    layer = built(reduction=2)
    gate = layer(IMAGE, return_attention=True)[1]
    turned = layer(IMAGE[:, ::-1, ::-1], return_attention=True)[1]
    np.testing.assert_allclose(turned, gate, rtol=1e-6)


def test_more_reduction_than_channels_is_refused():  # C19
    with pytest.raises(ValueError, match="reduction=8, channels=4.*Lower `reduction`"):
        ChannelAttention(8)(IMAGE)
