import keras
import numpy as np
import pytest

from mirnet_keras.models import SPSAGAN
from mirnet_keras.weights import interpolate

SIZES = {"filters": 6, "blocks": 2, "growth": 3, "cond_hidden": 8, "cond_channels": 4}
IMAGE = np.random.default_rng(0).random((1, 6, 5, 3), np.float32)


@pytest.fixture(scope="module")
def networks():
    keras.utils.set_random_seed(0)
    first, second = SPSAGAN(spsa_after=(), **SIZES), SPSAGAN(**SIZES)
    second.get_layer("attention_1").gamma.assign(0.7)
    return first, second


def test_the_ends_are_the_networks(networks):
    for alpha, network in zip((0, 1), networks, strict=True):
        between = interpolate(*networks, alpha)
        np.testing.assert_array_equal(between.restore(IMAGE), network.restore(IMAGE))


def test_halfway(networks):
    first, second = networks
    kernels = [
        network.get_layer("trunk").get_weights()[0]
        for network in (first, second, interpolate(first, second, 0.5))
    ]
    np.testing.assert_allclose(kernels[2], (kernels[0] + kernels[1]) / 2, rtol=1e-6)


def test_what_does_not_fit(networks):
    first, second = networks
    with pytest.raises(ValueError, match="in 0..1"):
        interpolate(first, second, 1.5)
    with pytest.raises(ValueError, match="it lacks"):
        interpolate(second, first, 0.5)
