import numpy as np
from keras import ops

from mirnet_keras.layers import ConditionNetwork
from mirnet_keras.weights.sft_net import condition_network


def built(**arguments):
    layer = ConditionNetwork(**arguments)
    layer.build((None, None, None, 8))
    return layer


def test_output_is_the_authors(golden_units):
    golden, layer = golden_units("SFT_CondNet"), built()
    golden.fill(condition_network("CondNet", layer))
    assert layer.count_params() == 70_176
    assert golden.error(layer(golden["in/seg"]), "out/y") < 2e-6
    first = layer.convolutions[0](golden["in/seg"])
    assert golden.error(first[..., :8], "mid/CondNet.0") < 2e-6
    hidden = layer.activation(layer.convolutions[1](layer.activation(first)))
    assert golden.error(hidden[..., :8], "mid/CondNet.3") < 2e-6


def test_a_value_depends_on_its_own_patch():
    layer = built(scale=2, hidden=8, channels=3)
    maps = np.random.default_rng(0).random((1, 8, 6, 8), np.float32)
    before = np.asarray(layer(maps))
    maps[:, 2:4, 4:] += 1
    changed = np.any(np.asarray(layer(maps)) != before, axis=(0, 3))
    assert changed.shape == (4, 3)
    assert np.argwhere(changed).tolist() == [[1, 2]]


def test_it_starts_with_maps_that_vary_over_the_image():
    labels = np.random.default_rng(0).integers(0, 8, (24, 24)).repeat(4, axis=0).repeat(4, axis=1)
    maps = built()(np.eye(8, dtype=np.float32)[None, labels])
    assert np.mean(ops.std(maps, axis=(1, 2))) > 0.1
