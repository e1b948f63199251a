"""Networks under other global settings of Keras."""

import keras
import numpy as np
import pytest

from mirnet_keras import presets
from mirnet_keras.models import AWSRN, RCAN, SettingError
from mirnet_keras.restorer import Restorer

SMALL = {"blocks": 1, "filters": 8}


@pytest.fixture
def channels_first():
    keras.config.set_image_data_format("channels_first")
    yield
    keras.config.set_image_data_format("channels_last")


def test_channels_first_is_refused_by_its_name(channels_first):
    for build in (
        lambda: AWSRN(2, **SMALL),
        lambda: presets.load("awsrn_s_x2"),
        lambda: Restorer("rcan_small_x2"),
    ):
        with pytest.raises(SettingError, match="image_data_format is 'channels_first'"):
            build()


def test_channels_first_set_after_building_is_refused(monkeypatch):
    model = AWSRN(2, **SMALL)
    restorer = Restorer(model)
    monkeypatch.setattr(keras.config, "image_data_format", lambda: "channels_first")
    image = np.zeros((4, 5, 3), np.uint8)
    for restore in (model.restore, restorer):
        with pytest.raises(SettingError, match="channels_first"):
            restore(image)


@pytest.mark.parametrize("floatx", ["float16", "float64"])
def test_inputs_are_float32_whatever_floatx_is(floatx):
    keras.config.set_floatx(floatx)
    try:
        assert RCAN(2, groups=1, reduction=4, **SMALL).inputs[0].dtype == "float32"
    finally:
        keras.config.set_floatx("float32")
