"""RRDBNet and SPSAGAN's generator against their golden files."""

import json
import re
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops
from safetensors.numpy import load_file

from mirnet_keras import models, weights
from mirnet_keras.layers import link_table
from mirnet_keras.weights import rrdbnet
from mirnet_keras.weights.recognition import TABLES, canonical

GOLDEN = Path(__file__).parents[1] / "golden"
STORED = [
    "RRDBNet_esrgan_names_x4",
    "RRDBNet_grad_x4",
    "RRDBNet_x1",
    "RRDBNet_x2",
    "RRDBNet_x4",
    "SPSAGAN_gen_dense_x4",
    "SPSAGAN_gen_log_x4",
]
MODULES = {  # the golden files' names -> our layers, and whether the input is meant
    "conv_first": ("first", False),
    "conv_body": ("trunk", False),
    "cond": ("condition", False),
    "before_spsa0": ("attention_{last}", True),
    "spsa0": ("attention_{last}", False),
    "body": ("block_{last}", False),
}


class Network:
    """A golden file, and the model recognised from its parameters."""

    def __init__(self, name):
        self.tensors = load_file(GOLDEN / f"{name}.safetensors")
        self.parameters = self.part("param/")
        self.facts = json.loads((GOLDEN / f"{name}.json").read_text())
        self.model = weights.from_official(self.parameters)

    def part(self, prefix):
        found = {k: v for k, v in self.tensors.items() if k.startswith(prefix)}
        return {k.removeprefix(prefix): v for k, v in found.items()}

    def __getitem__(self, name):
        return self.tensors[name].transpose(0, 2, 3, 1)

    @property
    def inputs(self):
        names = ("in/x", "in/seg")[: len(self.model.inputs)]
        return [self[name] for name in names] if len(names) > 1 else self["in/x"]


@pytest.fixture(scope="module", params=STORED)
def network(request):
    return Network(request.param)


def test_recognised(network):
    wanted, found = network.facts["constructor"], network.model.arguments
    assert network.model.count_params() == network.facts["params"]
    assert found["scale"] == wanted.get("scale", wanted.get("upscale", 4))
    assert found.get("links", "dense") == wanted.get("links", "dense")
    assert list(found.get("spsa_after") or ()) == wanted.get("spsa_after", [])


def test_output(network, relative_error):
    assert relative_error(network.model(network.inputs), network["out/y"]) < 1e-5


def test_intermediate_outputs(network, relative_error):
    model, last = network.model, network.model.arguments["blocks"] - 1
    for key in network.part("mid/"):
        name, before = MODULES.get(key, (None, None))
        if name is None:
            assert key.startswith("body."), key
            block, *part = key.removeprefix("body.").split(".rdb")
            layer = model.get_layer(f"block_{block}")
            tensor = layer.output
            if part:  # the part-th of the three blocks inside
                x = layer.input
                for inner in layer.blocks[: int(part[0])]:
                    x = inner(x)
                tensor = x
        else:
            layer = model.get_layer(name.format(last=last))
            tensor = layer.input[0] if before else layer.output
        ours = keras.Model(model.input, tensor)(network.inputs)
        assert relative_error(ours, network[f"mid/{key}"]) < 1e-5, key


def test_round_trip_is_bit_identical(network):
    original = canonical(network.model.network, network.parameters)
    back = weights.to_official(network.model)
    assert back.keys() == original.keys()
    for key, array in back.items():
        np.testing.assert_array_equal(array, original[key], err_msg=key)


@pytest.mark.parametrize("name", [name for name in STORED if "grad" in name or "SPSA" in name])
def test_gradients(name, gradients, relative_error):
    network = Network(name)
    targets = network["in/t"]
    _, by_variable = gradients(
        network.model, network.inputs, lambda y: ops.mean(ops.abs(y - targets))
    )
    table = {t.key: t for t in TABLES[network.model.network].tensors(network.model)}
    assert network.part("grad/")
    for key, theirs in network.part("grad/").items():
        if key == "in_x":
            continue
        ours = by_variable[id(table[key].variable)]
        assert relative_error(ours, table[key].to_ours(theirs)) < 2e-3, key


def test_oldest_names(formula_parameters, relative_error):
    facts = json.loads((GOLDEN / "RRDBNet_legacy_names_formula_x4.json").read_text())
    tensors = load_file(GOLDEN / "RRDBNet_legacy_names_formula_x4.safetensors")
    model = weights.from_official(formula_parameters(facts["keys"], facts["gain"]))
    assert model.network == "rrdbnet"
    image, expected = (tensors[key].transpose(0, 2, 3, 1) for key in ("in/x", "out/y"))
    assert relative_error(model(image), expected) < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("network", ["rrdbnet", "spsagan"])
def test_published_size(network, formula_parameters, relative_error):
    facts = json.loads((GOLDEN / "RRDBNet_full_formula_x4.json").read_text())
    tensors = load_file(GOLDEN / "RRDBNet_full_formula_x4.safetensors")
    model = models.RRDBNet()
    if network == "spsagan":
        model = models.SPSAGAN(links="dense", spsa_after=())
    assert model.count_params() == facts["params"] == 16_697_987
    shapes = {tensor.key: tensor.shape for tensor in rrdbnet.tensors(model)}
    weights.load_official(model, formula_parameters(shapes, facts["gain"]))
    image, expected = (tensors[key].transpose(0, 2, 3, 1) for key in ("in/x", "out/y"))
    assert relative_error(model(image), expected) < 1e-5


def test_keys_of_the_published_networks(shared):
    keys = json.loads((shared / "keys" / "RRDBNet_x4.json").read_text())["keys"]
    table = rrdbnet.tensors(models.RRDBNet())
    assert [(t.key, list(t.shape)) for t in table] == list(keys.items())
    for names in ("esrgan", "legacy"):
        theirs = json.loads((shared / "keys" / f"RRDBNet_{names}_names_x4.json").read_text())
        assert [rrdbnet.canonical(key) for key in theirs["keys"]] == list(keys)


@pytest.mark.parametrize("links", ["dense", "log", "chain"])
def test_sparse_network_from_a_dense_one(links, relative_error):
    """The pruned network equals the dense one with the links' kernel slices set to zero."""
    keras.utils.set_random_seed(0)
    dense = models.RRDBNet(filters=6, blocks=1, growth=3)
    arrays = weights.to_official(dense)
    sparse = models.SPSAGAN(filters=6, blocks=1, growth=3, links=links, spsa_after=())
    weights.load_official(sparse, weights.rrsb_from_rrdb(arrays, links))
    for key, array in arrays.items():
        if ".rdb" in key and key.endswith("weight"):
            kept = link_table(links)[int(key[-8]) - 1]
            for node in set(range(5)) - set(kept):
                start = 6 + 3 * (node - 1) if node else 0
                array[:, start : start + (3 if node else 6)] = 0
    weights.load_official(dense, arrays)
    image = np.random.default_rng(0).random((1, 8, 8, 3), np.float32)
    assert relative_error(sparse(image), ops.convert_to_numpy(dense(image))) < 1e-6


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("conv_up2.", "conv_up2.", None),
        ("conv_up2.", "conv_up3.", r"3 times \(x8\)"),
        ("conv_up2.", "", r"1 times \(x2\)"),
    ],
)
def test_other_scales_are_refused_by_their_number_of_doublings(old, new, said):
    arrays = weights.to_official(models.RRDBNet(filters=4, blocks=1, growth=2))
    for key in [key for key in arrays if key.startswith(old)]:
        if not new:
            del arrays[key]
        else:
            arrays[key.replace(old, new)] = arrays[key]
    if said is None:
        assert weights.recognise(arrays).network == "rrdbnet"
        return
    with pytest.raises(weights.WeightsError, match=said):
        weights.from_official(arrays)


def test_the_oldest_names_of_eightfold_enlargement_are_refused_as_such():
    arrays = weights.to_official(models.RRDBNet(filters=4, blocks=1, growth=2))
    oldest = {"conv_first": "model.0", "conv_body": "model.1.sub.1", "conv_up1": "model.3"}
    oldest |= {"conv_up2": "model.6", "conv_hr": "model.11", "conv_last": "model.13"}
    renamed = {}
    for key, array in arrays.items():
        head, _, kind = key.rpartition(".")
        block = re.fullmatch(r"body\.0\.rdb(\d)\.(conv\d)", head)
        head = f"model.1.sub.0.RDB{block[1]}.{block[2]}.0" if block else oldest[head]
        renamed[f"{head}.{kind}"] = array
        if head == "model.6":
            renamed[f"model.9.{kind}"] = array
    with pytest.raises(weights.WeightsError, match=r"3 times \(x8\)"):
        weights.from_official(renamed)
