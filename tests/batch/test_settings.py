import numpy as np

from mirnet_keras.batch import Settings
from mirnet_keras.pictures import Picture


def test_what_is_transparent_is_not_dark(settings):
    logo, alpha = np.zeros((16, 12, 3), np.uint8), np.zeros((16, 12), np.uint8)
    logo[6:9, 4:8], alpha[6:9, 4:8] = (200, 20, 20), 255
    assert Settings().preset_for(Picture(logo, alpha)) == "awsrn_s_x2"
    assert Settings().preset_for(Picture(logo)) == "mirnet_lowlight_small"
    assert settings.preset_for(Picture(logo)) == settings.preset
