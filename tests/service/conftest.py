import threading

import keras
import pytest

from mirnet_keras.models import AWSRN
from mirnet_keras.presets import save_preset
from mirnet_keras.restorer import Restorer


@pytest.fixture(scope="module")
def tiny_preset(tmp_path_factory):
    """Only a tiny preset is known."""
    folder = tmp_path_factory.mktemp("presets")
    keras.utils.set_random_seed(0)
    save_preset(
        AWSRN(scale=2, blocks=1, units=1, filters=4, wide_filters=8),
        folder / "tiny_x2",
        name="tiny_x2",
        task="super-resolution",
        recipe="none",
        steps=0,
        trained_on="nothing",
        data_licence="none",
        scores=[{"data": "Set5", "protocol": "classical-y", "psnr": 30.0, "ssim": 0.9}],
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIRNET_KERAS_PRESETS", str(folder))
        yield folder


@pytest.fixture
def held(monkeypatch):
    """Restoring enters, and waits for the event `release`."""
    release, entered = threading.Event(), []
    original = Restorer.__call__

    def slow(self, image, **options):
        entered.append(image.shape)
        assert release.wait(20)
        return original(self, image, **options)

    monkeypatch.setattr(Restorer, "__call__", slow)
    return release, entered
