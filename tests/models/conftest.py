import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from mirnet_keras.losses import LOSSES
from mirnet_keras.metrics import PSNR, SSIM
from mirnet_keras.models import AWSRN, HAN, RCAN, SAN, SPSAGAN, MIRNet, MIRNetV2, RRDBNet, fold

SMALL = {"groups": 1, "blocks": 1, "filters": 8, "reduction": 4}
SMALL_BLOCKS = {"filters": 6, "blocks": 1, "growth": 3}


def tiny_awsrn():
    return AWSRN(2, blocks=1, units=2, filters=8, wide_filters=16, kernel_sizes=(3, 5))


def awake(model):
    """The model with noise where weights start at zero, so that no branch is switched off."""
    random = np.random.default_rng(0)
    for variable in model.variables:
        if not np.any(variable):
            variable.assign(random.uniform(0.05, 0.1, variable.shape))
    return model


BUILDERS = {
    "awsrn": tiny_awsrn,
    "awsrn_folded": lambda: fold(tiny_awsrn()),
    "han": lambda: awake(HAN(2, **SMALL)),
    "mirnet": lambda: MIRNet(groups=1, blocks=1, filters=16, rows=2),
    "mirnet_v2": lambda: MIRNetV2(filters=8, blocks=1, convolution_groups=(2,)),
    "rcan": lambda: awake(RCAN(2, **SMALL)),
    "rrdbnet": lambda: awake(RRDBNet(**SMALL_BLOCKS)),
    "san": lambda: awake(SAN(2, **SMALL)),
    # With its attention it takes two inputs: see test_spsagan.py.
    "spsagan": lambda: awake(SPSAGAN(**SMALL_BLOCKS, spsa_after=[])),
}


@pytest.fixture(scope="session")
def networks():
    """A small one of each network, by its name in `MODELS`."""
    models = {}
    for name, build in BUILDERS.items():
        keras.utils.set_random_seed(1)
        models[name] = build()
    return models


@pytest.fixture(scope="session")
def saved(networks, tmp_path_factory):
    """A folder of `.keras` files; `images.npy`; and what the models make of it, `expected.npz`."""
    folder = tmp_path_factory.mktemp("saved")
    images = np.random.default_rng(0).random((2, 12, 16, 3), np.float32)
    np.save(folder / "images.npy", images)
    for name, model in networks.items():
        model.save(folder / f"{name}.keras")
    expected = {name: np.asarray(model(images)) for name, model in networks.items()}
    np.savez(folder / "expected.npz", **expected)
    for name, loss in LOSSES.items():
        model = tiny_awsrn()
        model.compile("adam", loss(), metrics=[PSNR(border=1, luma=True), SSIM()])
        model.optimizer.build(model.trainable_variables)
        model.save(folder / f"compiled_{name}.keras")
    return folder


@pytest.fixture(scope="session")
def run_python():
    """Runs a program in a fresh interpreter and returns the JSON of its last line."""

    def run(program, *arguments, **environment):
        done = subprocess.run(
            [sys.executable, "-W", "error::UserWarning", "-c", program, *map(str, arguments)],
            env=os.environ | environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout.splitlines()[-1])

    return run
