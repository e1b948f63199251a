"""SFTGAN's generator, whose golden parameters are made by a formula."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from mirnet_keras import weights
from mirnet_keras.models import SFT_Net
from mirnet_keras.weights import sft_net

GOLDEN = Path(__file__).parents[1] / "golden"
NAMES = {"pytorch": "SFT_Net", "torch": "SFT_Net_torch"}
PARAMETERS = {"pytorch": 1_833_763, "torch": 1_612_195}


@pytest.fixture(scope="module", params=NAMES)
def variant(request):
    return request.param


@pytest.fixture(scope="module")
def published(variant):
    return SFT_Net(variant)


def test_output_is_the_authors(variant, published, formula_parameters, relative_error):
    path = GOLDEN / f"{NAMES[variant]}_full_formula.json"
    facts = json.loads(path.read_text())
    golden = {
        k: v.transpose(0, 2, 3, 1) for k, v in load_file(path.with_suffix(".safetensors")).items()
    }
    shapes = {tensor.key: tensor.shape for tensor in sft_net.tensors(published)}
    assert len(shapes) == facts["formula_entries"]
    weights.load_official(published, formula_parameters(shapes, facts["gain"]))
    condition = published.get_layer("condition")(golden["in/seg"])
    assert relative_error(condition, golden["mid/cond"]) < 1e-5
    restored = published([golden["in/x"], golden["in/seg"]])
    assert relative_error(restored, golden["out/y"]) < 1e-5


def test_parameters_and_keys(variant, published, shared):
    assert published.count_params() == PARAMETERS[variant]
    listed = json.loads((shared / f"keys/{NAMES[variant]}.json").read_text())
    ours = {tensor.key: list(tensor.shape) for tensor in sft_net.tensors(published)}
    assert list(ours.items()) == list(listed["keys"].items())


def test_variant_and_sizes_are_recognised(variant):
    model = SFT_Net(variant, blocks=2, filters=8)
    arrays = weights.to_official(model)
    loaded = weights.from_official(arrays)
    assert (loaded.network, loaded.arguments) == ("sft_net", model.arguments)
    for key, array in weights.to_official(loaded).items():
        np.testing.assert_array_equal(array, arrays[key], err_msg=key)
