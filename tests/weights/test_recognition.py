"""Names and shapes alone tell which network a checkpoint is of."""

import numpy as np
import pytest

from mirnet_keras import weights
from mirnet_keras.models import AWSRN, AWSRN_VARIANTS, HAN, RCAN, SAN, MIRNet
from mirnet_keras.weights.recognition import listed

SMALL = {"groups": 1, "blocks": 1, "filters": 8, "reduction": 4}
ENLARGING = {"rcan": RCAN, "han": HAN, "san": SAN}
SIZES = [
    {"scale": 2, "groups": 1, "blocks": 1, "filters": 8, "reduction": 4},
    {"scale": 3, "groups": 2, "blocks": 3, "filters": 16, "reduction": 16},
    {"scale": 4, "groups": 3, "blocks": 2, "filters": 8, "reduction": 2},
    {"scale": 8, "groups": 1, "blocks": 2, "filters": 24, "reduction": 8},
]


@pytest.fixture(scope="module", params=ENLARGING)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def checkpoint(name):
    return weights.to_official(ENLARGING[name](2, **SMALL))


@pytest.mark.parametrize("sizes", SIZES, ids=lambda sizes: f"x{sizes['scale']}")
def test_sizes_and_scale(name, sizes):
    arrays = weights.to_official(ENLARGING[name](**sizes))
    found = weights.recognise(arrays)
    assert found.network == name
    assert sizes.items() <= found.arguments.items()


@pytest.mark.parametrize("white", [1.0, 255.0])
def test_the_mean_shift_tells_the_value_range(name, white):
    model = ENLARGING[name](2, **SMALL, value_range=white)
    loaded = weights.from_official(weights.to_official(model))
    assert loaded.arguments == model.arguments
    assert loaded.arguments["value_range"] == white


def test_a_given_value_range_is_taken(name, checkpoint):
    assert weights.from_official(checkpoint).arguments["value_range"] == 255
    for white in (1, 255):
        model = weights.from_official(checkpoint, value_range=(0, white))
        assert model.arguments["value_range"] == white


@pytest.mark.parametrize("value_range", [(1, 255), (-1, 1), (0, 0), (0, -255), 255])
def test_an_impossible_value_range_is_refused(checkpoint, value_range):
    with pytest.raises(weights.WeightsError, match="cannot have the value range"):
        weights.from_official(checkpoint, value_range=value_range)


def test_the_value_range_of_other_networks_is_fixed():
    mirnet = weights.to_official(MIRNet(groups=1, blocks=1, filters=8, rows=2))
    awsrn = weights.to_official(AWSRN(2, blocks=1, units=1, filters=4, wide_filters=8))
    with pytest.raises(weights.WeightsError, match=r"mirnet cannot .* work in \(0, 1\)"):
        weights.from_official(mirnet, value_range=(0, 255))
    with pytest.raises(weights.WeightsError, match=r"awsrn cannot .* work in \(0, 255\)"):
        weights.from_official(awsrn, value_range=(0, 1))
    assert weights.from_official(mirnet, value_range=(0, 1)).network == "mirnet"
    assert weights.from_official(awsrn, value_range=(0, 255)).network == "awsrn"


def test_what_shapes_cannot_tell_is_said(name, checkpoint):
    sentence = weights.recognise(checkpoint).sentence()
    assert sentence.startswith(f"Recognised {name.upper()}: groups=1, blocks=1, ")
    told, assumed = sentence.split(" Shapes cannot tell ")
    assert "scale=2" in told
    assert "value_range=255.0" in assumed
    assert ("statistics_size=1000" in assumed) == (name == "san")
    assert sentence.endswith(".")


@pytest.mark.parametrize("variant", AWSRN_VARIANTS)
def test_variants_of_awsrn_are_named(variant):
    model = AWSRN(2, **AWSRN_VARIANTS[variant])
    found = weights.recognise(weights.to_official(model))
    assert found.sentence().startswith(f"Recognised {variant}: ")


def test_what_shapes_cannot_tell_can_be_given():
    arrays = weights.to_official(SAN(2, **SMALL))
    model = weights.from_official(arrays, statistics_size=None)
    assert model.arguments["statistics_size"] is None


def test_a_network_can_be_named(name, checkpoint):
    assert weights.from_official(checkpoint, network=name).network == name
    with pytest.raises(weights.WeightsError, match="`network` must be one of"):
        weights.from_official(checkpoint, network="edsr")


def test_another_network_than_the_named_is_refused(name, checkpoint):
    for other in ENLARGING.keys() - {name}:
        with pytest.raises(weights.WeightsError, match=f"no {other}, but a {name}"):
            weights.from_official(checkpoint, network=other)


def test_arguments_that_contradict_the_shapes_are_refused(checkpoint):
    with pytest.raises(weights.WeightsError, match="misshapen"):
        weights.from_official(checkpoint, filters=16)
    with pytest.raises(weights.WeightsError, match="Such a network cannot be: `scale` must be"):
        weights.from_official(checkpoint, scale=5)
    with pytest.raises(weights.WeightsError, match="unexpected keyword argument 'depth'"):
        weights.from_official(checkpoint, depth=3)


# The entries that recognition itself looks at.
TELLING = {
    "rcan": ["body.0.body.0.body.3.conv_du.0.weight", "tail.0.0.weight", "add_mean.bias"],
    "han": ["body.0.body.0.body.3.conv_du.0.weight", "tail.0.0.weight", "la.gamma", "csa.gamma"],
    "san": ["RG.0.soca.conv_du.0.weight", "tail.0.0.weight", "add_mean.bias"],
}


@pytest.mark.parametrize(
    ("network", "key"), [(network, key) for network, keys in TELLING.items() for key in keys]
)
def test_a_missing_entry_is_named_even_if_recognition_needs_it(network, key):
    sizes = SMALL | {"groups": 2}  # so that another entry of the same kind is there
    arrays = weights.to_official(ENLARGING[network](4, **sizes))
    del arrays[key]
    with pytest.raises(weights.WeightsError) as caught:
        weights.from_official(arrays)
    message = str(caught.value)
    assert network in message
    assert f"missing (1): {key}" in message
    assert "Nothing was loaded" in message


@pytest.mark.parametrize("key", ["body.0.body.0.body.3.conv_du.0.weight", "tail.0.0.weight"])
@pytest.mark.parametrize("reshape", [np.ravel, np.transpose], ids=["flat", "turned"])
def test_a_misshapen_entry_is_named_even_if_recognition_needs_it(key, reshape):
    arrays = weights.to_official(RCAN(2, **SMALL))
    arrays[key] = reshape(arrays[key])
    with pytest.raises(weights.WeightsError) as caught:
        weights.from_official(arrays)
    assert key in str(caught.value)


@pytest.mark.parametrize(("count", "rest"), [(4, ""), (5, " and 1 more")])
def test_four_names_are_shown_and_the_others_counted(count, rest):
    (line,) = listed("missing", "abcde"[:count])
    assert line == f"missing ({count}): a; b; c; d{rest}"
