"""Which preset suits a picture when nobody has said which to take."""

import numpy as np

from mirnet_keras.images import luma, to_float

DARK_LUMA = 60 / 255  # LOL's dark pictures lie at 0.11 and below, daylight above 0.3
LOW_LIGHT_PRESET = "mirnet_lowlight_small"
ENLARGING_PRESET = "awsrn_s_x2"


def suggest_preset(image: np.ndarray) -> str:
    """Returns the preset for dark pictures, or for others the one that doubles the size.

    Args:
        image: (height, width, 3) RGB; uint8, uint16 or float in 0..1. Dark is a mean luma
            (`images.luma`, BT.601 studio swing: black is 16) below 60 of 255.
    """
    return LOW_LIGHT_PRESET if luma(to_float(image)).mean() < DARK_LUMA else ENLARGING_PRESET
