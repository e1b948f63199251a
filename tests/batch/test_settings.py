import dataclasses

import numpy as np
import pytest

from mirnet_keras.batch import Restorers, Settings
from mirnet_keras.pictures import Picture
from mirnet_keras.restorer import RestorerError, Suggestion


def test_what_is_transparent_is_not_dark(settings):
    dim, alpha = np.full((16, 12, 3), 20, np.uint8), np.zeros((16, 12), np.uint8)
    alpha[6:9, 4:8] = 255
    assert Settings().choice_for(Picture(dim, alpha)).preset == "awsrn_s_x2"
    assert Settings().choice_for(Picture(dim)) == Suggestion("mirnet_lowlight_small", "dark photo")
    assert Settings(task="denoise").choice_for(Picture(dim)).preset == "mirnet_denoise_small"
    assert settings.choice_for(Picture(dim)) == Suggestion(settings.preset)


def test_a_task_is_another_result_and_stands_without_a_preset():
    assert Settings(task="enlarge").fingerprint() != Settings().fingerprint()
    with pytest.raises(RestorerError, match="leave one of them out"):
        Settings(preset="awsrn_s_x2", task="enlarge")


def test_another_strength_is_another_result_of_the_same_model(settings):
    half = dataclasses.replace(settings, strength=0.5)
    assert half.fingerprint() != settings.fingerprint()
    loaded = {}
    whole, part = (Restorers(s, loaded).named(s.preset) for s in (settings, half))
    assert len(loaded) == 1
    assert (whole.strength, part.strength) == (1, 0.5)


@pytest.mark.parametrize("strength", [-1, 2, float("nan")])
def test_a_strength_outside_its_range_is_refused_before_a_picture_is_read(strength):
    with pytest.raises(RestorerError, match="`strength`"):
        Settings(strength=strength)
