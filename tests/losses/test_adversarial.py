import math
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops
from safetensors.numpy import load_file

from mirnet_keras.losses import (
    ADVERSARIAL_LOSSES,
    hinge_discriminator_loss,
    hinge_generator_loss,
    relativistic_discriminator_loss,
    relativistic_generator_loss,
    vanilla_discriminator_loss,
    vanilla_generator_loss,
)

GOLDEN = Path(__file__).parents[1] / "golden"
GENERATOR_WEIGHT = 0.005  # that the golden files multiply the generator's losses with


@pytest.fixture(scope="module", params=["scalar", "map"])
def golden(request):
    return load_file(GOLDEN / f"RaGAN_losses_{request.param}.safetensors")


def joint(real, fake):
    return relativistic_discriminator_loss(real, fake, detach=False)


@pytest.mark.parametrize(
    ("loss", "parts", "weight"),
    [
        (relativistic_generator_loss, ["vanilla/ragan_g"], GENERATOR_WEIGHT),
        (relativistic_discriminator_loss, ["vanilla/ragan_d_real", "vanilla/ragan_d_fake"], 1),
        (joint, ["vanilla/ragan_d_joint"], 1),
        (vanilla_generator_loss, ["vanilla/plain_g"], GENERATOR_WEIGHT),
        (vanilla_discriminator_loss, ["vanilla/plain_d_real", "vanilla/plain_d_fake"], 1),
        (hinge_generator_loss, ["hinge/plain_g"], GENERATOR_WEIGHT),
        (hinge_discriminator_loss, ["hinge/plain_d_real", "hinge/plain_d_fake"], 1),
    ],
)
def test_values_are_the_authors(golden, loss, parts, weight):
    expected = sum(golden[f"out/{part}"].item() for part in parts)
    assert weight * float(loss(golden["in/real"], golden["in/fake"])) == pytest.approx(
        expected, rel=1e-5
    )


@pytest.mark.parametrize(
    ("loss", "keys", "weight"),
    [
        (relativistic_generator_loss, (None, "ragan_g_fake"), GENERATOR_WEIGHT),
        (relativistic_discriminator_loss, ("ragan_d_real", "ragan_d_fake"), 1),
        (joint, ("ragan_d_joint_real", "ragan_d_joint_fake"), 1),
    ],
)
def test_gradients_are_the_authors(golden, gradients, relative_error, loss, keys, weight):
    logits = [golden["in/real"], golden["in/fake"]]
    found, _ = gradients(lambda inputs: weight * loss(*inputs), logits, lambda value: value)
    for gradient, key in zip(found, keys, strict=True):
        if key is None:
            assert gradient is None or not np.any(gradient)
        else:
            assert relative_error(gradient, golden[f"grad/vanilla/{key}"]) < 1e-5


@pytest.mark.parametrize("shape", [(4, 1), (2, 3, 5, 1)])
@pytest.mark.parametrize("constant", [0.0, -7.5, 300.0])
def test_a_discriminator_that_tells_nothing_costs_ln_2(shape, constant):
    logits = np.full(shape, constant, np.float32)
    for loss in (relativistic_generator_loss, relativistic_discriminator_loss, joint):
        assert float(loss(logits, logits)) == pytest.approx(math.log(2), rel=1e-6)


def test_hinge_by_hand():
    real, fake = np.array([[0.5], [2.0]]), np.array([[-3.0], [1.0]])
    assert float(hinge_discriminator_loss(real, fake)) == pytest.approx(0.25 + 1.0)
    assert float(hinge_generator_loss(real, fake)) == pytest.approx(1.0)


@pytest.mark.parametrize("name", ADVERSARIAL_LOSSES)
def test_half_precision_logits_give_a_finite_float32_loss(name):
    game = ADVERSARIAL_LOSSES[name]
    real, fake = (ops.cast(np.full((2, 1), value), "float16") for value in (6e4, -6e4))
    for loss in (game.generator(real, fake), game.discriminator(real, fake)):
        assert keras.backend.standardize_dtype(loss.dtype) == "float32"
        assert np.isfinite(ops.convert_to_numpy(loss))
