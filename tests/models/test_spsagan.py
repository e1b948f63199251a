"""What is special about the network with two inputs."""

import keras
import numpy as np
import pytest

from mirnet_keras.layers import SPSA
from mirnet_keras.models import SPSAGAN, RestorationModel
from mirnet_keras.segmentation import labels_to_probabilities
from mirnet_keras.weights import transfer_by_name

SMALL = {"filters": 6, "blocks": 2, "growth": 3, "cond_hidden": 8, "cond_channels": 4}
IMAGE = np.random.default_rng(0).random((9, 7, 3), np.float32)
MAPS = labels_to_probabilities(np.random.default_rng(1).integers(0, 8, (36, 28)))


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(0)
    model = SPSAGAN(**SMALL)
    model.get_layer("attention_1").gamma.assign(2.0)
    return model


@pytest.mark.parametrize(
    ("links", "attention", "parameters"),
    [
        pytest.param("dense", False, 16_697_987, marks=pytest.mark.slow),
        pytest.param("log", False, 10_974_851, marks=pytest.mark.slow),
        ("chain", False, 4_615_811),
        ("log", True, 11_050_740),
    ],
)
def test_parameter_counts(links, attention, parameters):
    model = SPSAGAN(links=links, spsa_after=None if attention else ())
    assert model.count_params() == parameters


def test_no_map_is_background_everywhere(network):
    background = labels_to_probabilities(np.zeros((36, 28), int))
    plain = network.restore(IMAGE)
    np.testing.assert_array_equal(plain, network.restore(IMAGE, background))
    assert np.abs(plain - network.restore(IMAGE, MAPS)).max() > 0


def test_attention_of_weight_zero_changes_no_bit():
    first, second = SPSAGAN(**SMALL, spsa_after=()), SPSAGAN(**SMALL)
    transfer_by_name(first, second)
    np.testing.assert_array_equal(first.restore(IMAGE), second.restore(IMAGE, MAPS))


def test_surrounded_as_if_the_picture_were_larger_and_mirrored(network):
    surrounded = SPSAGAN(**SMALL, surround=2)
    assert transfer_by_name(network, surrounded) == []
    around = [(2, 2), (2, 2), (0, 0)]
    image = np.pad(IMAGE, around, mode="symmetric")
    maps = np.pad(MAPS, [(8, 8), (8, 8), (0, 0)], mode="symmetric")
    expected = network.restore(image, maps)[8:-8, 8:-8]
    np.testing.assert_allclose(surrounded.restore(IMAGE, MAPS), expected, atol=1e-6)
    assert surrounded.restore(IMAGE[:1, :1]).shape == (4, 4, 3)


def test_saved_and_loaded(network, tmp_path):
    network.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.restore(IMAGE, MAPS), network.restore(IMAGE, MAPS))


@pytest.mark.parametrize(
    "options",
    [
        {"scale": 2},
        {"scale": 1},
        {"attention": {"window": 4}},
        {"surround": 8},
        {"condition": "probabilities", "spsa_after": [1, 2]},
        {"attention": {"seg_mode": "similarity", "weight_mode": "max", "spectral_norm": True}},
    ],
)
def test_every_option_takes_any_size_and_reloads(options):
    model = SPSAGAN(**(SMALL | options))
    restored = model.restore(IMAGE)
    assert restored.shape == (9 * model.scale, 7 * model.scale, 3)
    twin = RestorationModel.from_config(model.get_config())
    twin.set_weights(model.get_weights())
    np.testing.assert_array_equal(twin.restore(IMAGE), restored)


def test_the_condition_varies_at_the_start():
    """With PyTorch's start the maps would be flat, and the segmentation would learn nothing."""
    random = np.random.default_rng(2)
    labels = random.integers(0, 8, (6, 6)).repeat(16, axis=0).repeat(16, axis=1)
    maps = labels_to_probabilities(labels)[None]
    spreads, peaks, weights = [], [], []
    for seed in range(5):
        keras.utils.set_random_seed(seed)
        model = SPSAGAN(blocks=1)
        condition = np.asarray(model.get_layer("condition")(maps))
        spreads.append(condition.std(axis=(1, 2)).mean())
        features = random.standard_normal((1, 24, 24, 64)).astype(np.float32)
        unit: SPSA = model.get_layer("attention_0")
        _, attention = unit([features, condition], return_attention=True)
        _, segmentation, weight = np.asarray(attention)[0]
        peaks.append(segmentation.max() * 576)
        weights.append(weight.mean())
    assert min(spreads) > 0.1
    assert min(peaks) > 1.5
    assert min(weights) > 0.2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"spsa_after": [3]}, "1 to 2"),
        ({"spsa_after": [1, 1]}, "different"),
        ({"surround": 3, "attention": {"window": 2}}, "multiple of 2"),
        ({"condition": "labels"}, "network"),
        ({"scale": 3}, "1, 2 or 4"),
        ({"links": "none"}, "links"),
    ],
)
def test_arguments_that_do_not_fit(options, message):
    with pytest.raises(ValueError, match=message):
        SPSAGAN(**(SMALL | options))
