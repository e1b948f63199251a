"""Networks that take a segmentation beside the image; each export compares itself with Keras."""

import keras
import pytest

from mirnet_keras.export import to_litert, to_saved_model
from mirnet_keras.models import SPSAGAN

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(0)
    model = SPSAGAN(filters=8, blocks=2, growth=4, cond_hidden=12, cond_channels=8)
    model.get_layer("attention_1").gamma.assign(0.7)
    return model


def test_saved_model_of_any_size(network, tmp_path):
    assert to_saved_model(network, tmp_path / "saved").largest_error < 1e-5


@pytest.mark.parametrize("shape", ["dynamic", (24, 28)])
def test_litert(network, tmp_path, shape):
    assert to_litert(network, tmp_path / "model.tflite", shape=shape).largest_error < 1e-5
