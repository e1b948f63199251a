import keras
import numpy as np
import pytest

from mirnet_keras.losses import Charbonnier, WeightedLosses

TRUE = np.zeros((2, 4, 4, 3), np.float32)
RESTORED = TRUE + 0.5


def test_by_hand():
    losses = WeightedLosses(
        [keras.losses.MeanAbsoluteError(), keras.losses.MeanSquaredError()], [2, 4]
    )
    assert float(losses(TRUE, RESTORED)) == pytest.approx(2 * 0.5 + 4 * 0.25)


def test_each_loss_has_a_weight():
    with pytest.raises(ValueError, match="1 losses, 2 weights"):
        WeightedLosses([Charbonnier()], [1, 2])


def test_saved_and_loaded():
    losses = WeightedLosses([Charbonnier(0.01), keras.losses.MeanSquaredError()], [1, 0.5])
    loaded = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(losses))
    assert float(loaded(TRUE, RESTORED)) == float(losses(TRUE, RESTORED))
