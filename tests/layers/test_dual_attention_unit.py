import keras
import numpy as np

from mirnet_keras.layers import DualAttentionUnit, ScalarPReLU

IMAGE = np.random.default_rng(0).standard_normal((2, 6, 5, 8)).astype(np.float32)


def built(**arguments):
    layer = DualAttentionUnit(**arguments)
    layer.build((None, None, None, 8))
    return layer


def identity(layer, channels=8):
    """Makes a 3 x 3 convolution hand its input on."""
    kernel = np.zeros((3, 3, channels, channels), np.float32)
    kernel[1, 1] = np.eye(channels)
    layer.set_weights([kernel])


def test_by_hand_with_gates_of_a_half():
    unit = built()
    identity(unit.first)
    identity(unit.second)
    for gate in (unit.spatial, unit.channel):
        gate.set_weights([0 * w for w in gate.get_weights()])
    # The spatial half stands first: taken once, the channel half twice.
    unit.merge.set_weights([np.concatenate([np.eye(8), 2 * np.eye(8)])[None, None]])
    features = np.where(IMAGE > 0, IMAGE, 0.25 * IMAGE)
    np.testing.assert_allclose(unit(IMAGE), IMAGE + 1.5 * features, rtol=1e-5)


def test_returned_gates():  # C12, C13
    unit = built(reduction=2)
    outputs, gates = unit(IMAGE, return_attention=True)
    np.testing.assert_array_equal(outputs, unit(IMAGE))
    assert {name: tuple(gate.shape) for name, gate in gates.items()} == {
        "spatial": (2, 6, 5, 1),
        "channel": (2, 8),
    }
    assert all(0 < np.min(gate) <= np.max(gate) < 1 for gate in gates.values())


def test_a_shared_activation_is_one_variable():
    slope = ScalarPReLU()
    first, second = built(activation=slope), built(activation=slope)
    assert first.activation.slope is second.activation.slope
    inputs = keras.Input((None, None, 8))
    shared = keras.Model(inputs, second(first(inputs))).count_params()
    own = keras.Model(inputs, built()(built()(inputs))).count_params()
    assert own == shared + 1
