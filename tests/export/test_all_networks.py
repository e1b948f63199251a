"""Every network as SavedModel and in the LiteRT modes, beside Keras."""

import functools

import keras
import numpy as np
import pytest

from mirnet_keras.demo import demo_picture
from mirnet_keras.export import representative, to_litert, to_saved_model
from mirnet_keras.export.litert_file import open_litert, run_litert
from mirnet_keras.export.quantization import CALIBRATED
from mirnet_keras.export.saved_model import open_saved_model
from mirnet_keras.models import AWSRN, HAN, RCAN, SAN, SPSAGAN, MIRNet, MIRNetV2

pytestmark = pytest.mark.slow

MODELS = {
    "awsrn": lambda: AWSRN(scale=2, blocks=1, units=1, filters=8, wide_filters=16),
    "han": lambda: HAN(scale=2, groups=2, blocks=1, filters=16, reduction=4),
    "mirnet": lambda: MIRNet(groups=1, blocks=1, filters=8, columns=1),
    "mirnet_v2": lambda: MIRNetV2(filters=8, blocks=1, convolution_groups=(1,)),
    "rcan": lambda: RCAN(scale=2, groups=1, blocks=1, filters=16, reduction=4),
    "san": lambda: SAN(scale=2, groups=1, blocks=1, filters=16, reduction=4),
    "spsagan": lambda: SPSAGAN(filters=8, blocks=2, growth=4, cond_hidden=12, cond_channels=8),
}


SIZES = [(1, 9, 14), (2, 16, 12), (1, 33, 47)]


@pytest.fixture(scope="module", params=MODELS)
def network(request):
    """The network, with numbers where weights start at zero, so that no branch is off."""
    keras.utils.set_random_seed(0)
    model = MODELS[request.param]()
    for variable in model.variables:
        if not np.any(variable):
            variable.assign(np.full(variable.shape, 0.05))
    return model


def inputs(network, shape):
    """Noise of a shape, and a segmentation where the network takes one."""
    random = np.random.default_rng(0)
    batch, height, width = shape
    given = [random.random((batch, height, width, 3), np.float32)]
    if network.classes is not None:
        size = (batch, network.scale * height, network.scale * width, network.classes)
        maps = random.random(size, np.float32)
        given.append(maps / maps.sum(axis=-1, keepdims=True))
    return given


def test_saved_model_and_litert_of_any_size(network, tmp_path):
    to_saved_model(network, tmp_path / "saved")
    to_litert(network, tmp_path / "any.tflite", accept_loss=True)
    interpreter = open_litert(tmp_path / "any.tflite")
    for run in (
        open_saved_model(tmp_path / "saved" / "1"),
        functools.partial(run_litert, interpreter),
    ):
        for shape in SIZES:
            given = inputs(network, shape)
            np.testing.assert_allclose(run(*given), network.restore(*given), atol=1e-4)


@pytest.mark.parametrize("mode", ["float32", "dynamic", "int8"])
def test_litert(mode, network, tmp_path, monkeypatch):
    monkeypatch.setattr(representative, "CROPS", 3)
    photographs = [demo_picture("cat.webp"), demo_picture("coffee.webp")]
    report = to_litert(
        network,
        tmp_path / "model.tflite",
        shape=(48, 64),
        quantization=mode,
        representative=photographs if mode in CALIBRATED else None,
        accept_loss=True,
    )
    assert report.quality.psnr_to_model > (30 if mode == "int8" else 35)
    if mode == "float32":
        assert report.largest_error < 1e-4
