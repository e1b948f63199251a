"""Networks that take a segmentation beside the picture."""

import keras
import numpy as np
import pytest

from mirnet_keras import Restorer
from mirnet_keras.models import RCAN, SPSAGAN
from mirnet_keras.restorer import RestorerError
from mirnet_keras.segmentation import ArrayPrior, labels_to_probabilities

PICTURE = np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8)
MAPS = labels_to_probabilities(np.random.default_rng(1).integers(0, 8, (36, 28)))


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(0)
    model = SPSAGAN(filters=6, blocks=1, growth=3, cond_hidden=8, cond_channels=4)
    model.get_layer("attention_0").gamma.assign(20.0)
    return model


def test_the_prior_is_asked(network):
    image = PICTURE / np.float32(255)
    with_maps = Restorer(network, prior=ArrayPrior(MAPS, scale=4))(image)
    np.testing.assert_allclose(with_maps, network.restore(image, MAPS), atol=1e-6)
    without = Restorer(network)(image)
    np.testing.assert_allclose(without, network.restore(image), atol=1e-6)
    assert np.abs(with_maps - without).max() > 1e-4


def test_tiles_ask_for_themselves(network):
    seen = []

    def background(tile):
        seen.append(tile.shape)
        return labels_to_probabilities(np.zeros((4 * tile.shape[0], 4 * tile.shape[1]), int))

    restored = Restorer(network, tile=6, overlap=2, prior=background)(PICTURE)
    assert restored.shape == (36, 28, 3)
    assert len(seen) > 1 and max(seen) == (6, 6, 3)


def test_networks_without_a_segmentation_take_no_prior():
    with pytest.raises(RestorerError, match="takes no segmentation"):
        Restorer(RCAN(2, groups=1, blocks=1, filters=8, reduction=4), prior=lambda image: image)
