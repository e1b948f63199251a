import json
from pathlib import Path

import numpy as np
import pytest

from mirnet_keras.layers import SpatialFeatureTransform, SpatialFeatureTransformBlock
from mirnet_keras.weights import sft_net

GOLDEN = Path(__file__).parents[1] / "golden"
SHAPES = [(None, None, None, 64), (None, None, None, 32)]
VARIANTS = ("pytorch", "torch")


def built(layer):
    layer.build(SHAPES)
    return layer


@pytest.mark.parametrize("variant", VARIANTS)
def test_output_is_the_authors(golden_units, variant):
    golden, layer = golden_units("SFT_layer"), built(SpatialFeatureTransform(variant))
    table = [(t, f"param/{t.key.removeprefix('x.')}") for t in sft_net.transform("x", layer)]
    for tensor, key in table:
        tensor.variable.assign(tensor.to_ours(golden.tensors[key]))
    outputs = layer([golden["in/fea"], golden["in/cond"]])
    assert golden.error(outputs, f"out/y_{variant}") < 2e-6


@pytest.mark.parametrize(
    ("variant", "name"), [("pytorch", "SFT_resblock"), ("torch", "SFT_resblock_torch")]
)
def test_output_of_the_block_is_the_authors(golden_units, formula_parameters, variant, name):
    golden, block = golden_units(name), built(SpatialFeatureTransformBlock(variant))
    facts = json.loads((GOLDEN / f"{name}.json").read_text())
    parameters = formula_parameters(facts["keys"], facts["gain"])
    for tensor in sft_net.block("x", block):
        theirs = parameters.pop(tensor.key.removeprefix("x."))
        tensor.variable.assign(tensor.to_ours(theirs))
    assert not parameters
    assert golden.error(block([golden["in/fea"], golden["in/cond"]]), "out/y") < 2e-6


def test_by_hand():
    features = np.full((1, 1, 2, 1), 3, np.float32)
    condition = np.float32([[[[1], [-1]]]])
    expected = {"pytorch": [3 * (2 + 1) + 5, 3 * (-0.2 + 1) + 5], "torch": [11, 3 * -0.02 + 5]}
    for variant, values in expected.items():
        layer = SpatialFeatureTransform(variant)
        layer.build([features.shape, condition.shape])
        for part, kernel, bias in [
            (layer.factor_hidden, 1, 0),
            (layer.factor, 2, 0),
            (layer.shift_hidden, 0, 0),
            (layer.shift, 0, 5),
        ]:
            part.set_weights([np.full((1, 1, 1, 1), kernel), np.full(1, bias)])
        np.testing.assert_allclose(np.ravel(layer([features, condition])), values, rtol=1e-6)


@pytest.mark.parametrize("layer", [SpatialFeatureTransform, SpatialFeatureTransformBlock])
def test_another_variant_is_refused(layer):
    with pytest.raises(ValueError, match="`variant` must be one of .* Received: variant='keras'"):
        layer("keras")
