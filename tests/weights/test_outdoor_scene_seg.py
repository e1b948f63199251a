"""SFTGAN's segmentation network, narrowed and whole."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from mirnet_keras import weights
from mirnet_keras.models import OutdoorSceneSeg
from mirnet_keras.weights import outdoor_scene_seg

GOLDEN = Path(__file__).parents[1] / "golden"
MINI = {"stem": (3, 3, 6), "blocks": (2, 1, 1, 1), "widths": (3, 6, 6, 12), "hidden": 24}
MEAN_BGR = np.float32([103.939, 116.779, 123.68])


def golden(name):
    """Tensors as they are, and those of the images with channels last."""
    tensors = load_file(GOLDEN / f"{name}.safetensors")
    maps = {k: np.moveaxis(v, 1, -1) for k, v in tensors.items() if not k.startswith("param/")}
    return tensors, maps


def photograph(network_input):
    """The RGB image in 0..1 of which the authors' preparation makes `network_input`."""
    return ((network_input + MEAN_BGR) / 255)[..., ::-1]


def trainable(model):
    return sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)


@pytest.fixture(scope="module")
def mini():
    tensors, _ = golden("OutdoorSceneSeg_mini")
    model = OutdoorSceneSeg(**MINI)
    parameters = {k.removeprefix("param/"): v for k, v in tensors.items() if "param/" in k}
    weights.load_official(model, parameters)
    return model, parameters


def test_output_of_the_narrowed_network_is_the_authors(mini, relative_error):
    model, _ = mini
    _, maps = golden("OutdoorSceneSeg_mini")
    assert relative_error(model(photograph(maps["in/x"])), maps["out/y"]) < 1e-5
    assert trainable(model) == 18_652


def test_parameters_are_given_back_bit_for_bit(mini):
    model, parameters = mini
    back = weights.to_official(model)
    assert back.keys() == parameters.keys()
    for key, array in back.items():
        np.testing.assert_array_equal(array, parameters[key], err_msg=key)


def test_sizes_are_recognised():
    sizes = {"stem": [2, 3, 4], "blocks": [2, 1, 3, 1], "widths": [1, 2, 4, 8], "hidden": 5}
    arrays = weights.to_official(OutdoorSceneSeg(**sizes))
    found = weights.recognise(arrays)
    assert (found.network, found.arguments) == ("outdoor_scene_seg", sizes)


@pytest.mark.parametrize("key", ["deconv.weight", "feature.10.res.0.weight"])
def test_without_its_end_or_its_first_bottleneck_it_is_not_recognised(mini, key):
    rest = {k: v for k, v in mini[1].items() if k != key}
    with pytest.raises(weights.WeightsError, match=r"(?s)no network known.*outdoor_scene_seg"):
        weights.recognise(rest)


@pytest.mark.slow
def test_the_published_network_is_the_authors(formula_parameters, relative_error, shared):
    facts = json.loads((GOLDEN / "OutdoorSceneSeg_full_formula.json").read_text())
    _, maps = golden("OutdoorSceneSeg_full_formula")
    model = OutdoorSceneSeg()
    assert trainable(model) == 52_068_296
    table = outdoor_scene_seg.tensors(model)
    listed = json.loads((shared / "keys/OutdoorSceneSeg.json").read_text())["keys"]
    assert [(tensor.key, list(tensor.shape)) for tensor in table] == list(listed.items())
    shapes = {t.key: t.shape for t in table if t.variable is not None}
    assert len(shapes) == facts["formula_entries"]
    parameters = formula_parameters(shapes, facts["gain"])
    parameters["deconv.weight"] = np.abs(parameters["deconv.weight"])
    weights.load_official(model, parameters)
    assert relative_error(model(photograph(maps["in/x"])), maps["out/y"]) < 1e-5
    assert weights.recognise(parameters).arguments == model.arguments
