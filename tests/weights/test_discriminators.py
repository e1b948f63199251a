"""The authors' numbers: their discriminators in evaluation and in training."""

import json
from pathlib import Path

import numpy as np
import pytest
from keras import ops
from safetensors.numpy import load_file

from mirnet_keras import weights
from mirnet_keras.models import ClassifierDiscriminator, UNetDiscriminator, VGGDiscriminator

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = {  # builder and arguments
    "VGGDisc96": (VGGDiscriminator, {"image_size": 96, "filters": 2}),
    "VGGDisc128": (VGGDiscriminator, {"image_size": 128, "filters": 2}),
    "UNetDisc_skip": (UNetDiscriminator, {"filters": 4}),
    "UNetDisc_noskip": (UNetDiscriminator, {"filters": 3, "skip": False}),
}
# Added to what batch normalisation subtracts again: rounding is all there is.
UNSEEN = {f"features.{place}.bias" for place in (2, 20, 23, 26)}


class Case:
    def __init__(self, name):
        self.tensors = load_file(GOLDEN / f"{name}.safetensors")
        builder, arguments = CASES[name]
        self.model = builder(**arguments)
        self.images = channels_last(self.tensors["in/x"])

    def part(self, prefix):
        found = {k: v for k, v in self.tensors.items() if k.startswith(prefix)}
        return {k.removeprefix(prefix): v for k, v in found.items()}

    def loss(self, logits):
        """Cross entropy; the first image is labelled real, a U-Net's every pixel."""
        labels = np.array([[1], [0]]) if logits.ndim == 2 else ops.ones_like(logits)
        return ops.mean(ops.softplus(logits) - labels * logits)


class InTraining:
    """A model called in training, for `gradients`."""

    def __init__(self, model):
        self.model = model
        self.trainable_variables = model.trainable_variables

    def __call__(self, images):
        return self.model(images, training=True)


def channels_last(array):
    return array.transpose(0, 2, 3, 1) if array.ndim == 4 else array


@pytest.fixture(scope="module", params=CASES)
def built(request):
    return Case(request.param)


@pytest.fixture
def case(built):
    """The authors' parameters, whatever an earlier test has done to them."""
    weights.load_official(built.model, built.part("param/"))
    return built


def test_outputs(case, relative_error):
    for mode in ("eval", "train"):
        logits = case.model(case.images, training=mode == "train")
        expected = channels_last(case.tensors[f"out/y_{mode}"])
        assert relative_error(logits, expected) < 1e-5, mode
    loss = np.array(case.loss(ops.convert_to_numpy(logits)))
    np.testing.assert_allclose(loss, case.tensors["out/bce_train"][0], rtol=1e-5)


def test_a_step_of_training_leaves_the_authors_statistics(case, relative_error):
    case.model(case.images, training=True)
    ours, after = weights.to_official(case.model), case.part("after/")
    parameters = case.part("param/")
    assert after
    for key, array in ours.items():
        if key in after:
            assert relative_error(array, after[key]) < 1e-5, key
        else:
            np.testing.assert_array_equal(array, parameters[key], err_msg=key)


def test_gradients_in_training(case, gradients, relative_error):
    _, found = gradients(InTraining(case.model), case.images, case.loss)
    table = {t.key: t for t in weights.discriminators.TABLES[case.model.network](case.model)}
    theirs = case.part("grad/")
    largest = max(np.linalg.norm(gradient) for gradient in theirs.values())
    for key, gradient in theirs.items():
        ours = found[id(table[key].variable)]
        if key in UNSEEN:
            assert np.linalg.norm(ours) < 1e-5 * largest, key
        else:
            assert relative_error(ours, table[key].to_ours(gradient)) < 2e-3, key


def test_round_trip_is_bit_identical(case):
    back, original = weights.to_official(case.model), case.part("param/")
    assert back.keys() == original.keys()
    for key, array in back.items():
        np.testing.assert_array_equal(array, original[key], err_msg=key)


def test_what_does_not_fit_is_named(case):
    arrays = case.part("param/")
    key = next(key for key in arrays if key.endswith("bias"))
    del arrays[key]
    with pytest.raises(weights.WeightsError, match=rf"missing \(1\): {key}"):
        weights.load_official(case.model, arrays)


def formula(shapes):
    """The parameters of the file of full size, by the rule in its description."""
    arrays = {}
    for position, (key, shape) in enumerate(shapes.items()):
        size = int(np.prod(shape))
        x = (np.arange(size) + 1000003 * position).astype(np.uint32)
        x = (x ^ (x >> 16)) * np.uint32(0x7FEB352D)
        x = (x ^ (x >> 15)) * np.uint32(0x846CA68B)
        uniform = (x ^ (x >> 16)) / 2**31 - 1
        if key.endswith(("weight_u", "weight_v")):
            scale = 1 / np.linalg.norm(uniform)
        else:
            scale = 0.05 if len(shape) == 1 else np.sqrt(6 / np.prod(shape[1:]))
        arrays[key] = (scale * uniform).astype(np.float32).reshape(shape)
    return arrays


PUBLISHED = {  # name among the authors' keys, and their count of parameters
    "Discriminator_VGG_96_legacy": (VGGDiscriminator, {}, 14_143_881),
    "Discriminator_VGG_128_legacy": (
        VGGDiscriminator,
        {"image_size": 128, "bias_before_norm": True},
        14_502_281,
    ),
    "Discriminator_VGG_192_legacy": (VGGDiscriminator, {"image_size": 192}, 20_700_553),
    "VGGStyleDiscriminator128": (VGGDiscriminator, {"image_size": 128}, 14_499_401),
    "VGGStyleDiscriminator256": (VGGDiscriminator, {"image_size": 256}, 21_055_049),
    "ACD_VGG_BN_96": (ClassifierDiscriminator, {}, 10_813_717),
    "UNetDiscriminatorSN": (UNetDiscriminator, {}, 4_376_897),
}


@pytest.fixture(scope="module", params=PUBLISHED)
def published(request):
    builder, arguments, parameters = PUBLISHED[request.param]
    return request.param, builder(**arguments), parameters


def test_full_size_has_the_published_parameters(published):
    _, model, parameters = published
    assert sum(np.prod(variable.shape) for variable in model.trainable_variables) == parameters


def test_full_size_has_the_published_keys(published, shared):
    name, model, _ = published
    keys = json.loads((shared / f"keys/{name}.json").read_text())["keys"]
    found = {t.key: list(t.shape) for t in weights.discriminators.TABLES[model.network](model)}
    assert list(found.items()) == list(keys.items())


def test_full_u_net_output(relative_error):
    tensors = load_file(GOLDEN / "UNetDisc_full_formula.safetensors")
    model = UNetDiscriminator()
    shapes = {t.key: t.shape for t in weights.discriminators.TABLES["unet"](model)}
    weights.load_official(model, formula(shapes))
    logits = model(channels_last(tensors["in/x"]), training=True)
    assert relative_error(logits, channels_last(tensors["out/y"])) < 1e-5
