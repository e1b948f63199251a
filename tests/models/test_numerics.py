"""RCAN, HAN and SAN with the pictures and precisions in which numbers get lost."""

import importlib.resources
import itertools

import keras
import numpy as np
import pytest
from keras import ops

from mirnet_keras.data import imresize
from mirnet_keras.images import read_image, to_float
from mirnet_keras.layers import MEAN_COLOUR
from mirnet_keras.metrics import score
from mirnet_keras.models import HAN, RCAN, SAN
from mirnet_keras.presets import load

SMALL = {"groups": 1, "blocks": 1, "filters": 8, "reduction": 4}
NETWORKS = {
    "rcan": lambda: RCAN(2, **SMALL),
    "han": lambda: HAN(2, **SMALL),
    "san": lambda: SAN(2, **SMALL),
    # Here the mean colour becomes 0 exactly, and without biases all features do.
    "san, 0..1": lambda: SAN(2, **SMALL, value_range=1.0),
    "han, paper": lambda: HAN(2, **SMALL, variant="paper"),
    "san, paper": lambda: SAN(2, **SMALL, variant="paper"),
}
PRECISIONS = ["float32", "mixed_bfloat16", "mixed_float16"]
QUICK = [(name, precision) for name in ("rcan", "han", "san") for precision in PRECISIONS]
QUICK += [(name, "float32") for name in ("san, 0..1", "han, paper", "san, paper")]
RARE = [(name, precision) for name in NETWORKS for precision in PRECISIONS]
CASES = QUICK + [pytest.param(*c, marks=pytest.mark.slow) for c in RARE if c not in QUICK]

PICTURES = {
    "black": 0.0,
    "white": 1.0,
    "grey": 0.3,
    "green": (0.0, 1.0, 0.0),
    "of the mean colour": MEAN_COLOUR,
    "noise times 1e4": 1e4 * np.random.default_rng(0).random((8, 8, 3)),
    "white times 1e4": 1e4,
}


def build(name, precision):
    """A small network whose weights depend on its name alone."""
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy(precision)
    try:
        return NETWORKS[name]()
    finally:
        keras.config.set_dtype_policy("float32")


def is_shift(variable):
    return variable.path.startswith(("subtract_mean/", "restored/"))


def set_biases(model, value):
    """Sets all biases but those of the mean shifts; wakes what starts at zero."""
    for variable in model.variables:
        if variable.path.endswith("bias"):
            if not is_shift(variable):
                variable.assign(np.full(variable.shape, value))
        elif not np.any(variable):
            variable.assign(np.full(variable.shape, 0.3))


@pytest.mark.parametrize(("name", "precision"), CASES)
def test_no_picture_gives_nan_or_infinity(gradients, name, precision):  # C15
    model = build(name, precision)
    outputs = []

    def loss(restored):
        outputs.append(restored)
        return ops.mean(ops.abs(restored - 0.5))

    for bias, (what, colour) in itertools.product([0.0, 0.1], PICTURES.items()):
        set_biases(model, bias)
        image = np.zeros((1, 8, 8, 3), np.float32) + np.float32(colour)
        by_input, by_variable = gradients(model, image, loss)
        assert np.isfinite(outputs.pop()).all(), what
        assert np.isfinite(by_input).all(), what
        for variable in model.trainable_variables:
            gradient = by_variable[id(variable)]
            assert gradient is not None, variable.path
            assert np.isfinite(gradient).all(), (what, variable.path)


def loaded(preset, precision):
    keras.config.set_dtype_policy(precision)
    try:
        return load(preset)
    finally:
        keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize("preset", ["rcan_small_x2", "han_small_x2", "san_small_x2"])
def test_mixed_precision_costs_little(preset):
    file = importlib.resources.files("mirnet_keras") / "demo_images" / "coffee.webp"
    picture = read_image(str(file))[20:84, 140:204]
    small = to_float(imresize(picture, 1 / 2))[None]
    scores, restored = {}, {}
    for precision in PRECISIONS:
        restored[precision] = np.asarray(loaded(preset, precision)(small))[0].clip(0, 1)
        scores[precision] = score(picture, restored[precision], "classical-y", 2).psnr
    assert scores["float32"] > 30  # it is a picture
    for precision in PRECISIONS[1:]:
        assert not np.array_equal(restored[precision], restored["float32"]), precision
        assert abs(scores[precision] - scores["float32"]) < 0.05, scores
