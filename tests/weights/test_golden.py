"""The authors' numbers: outputs, intermediate outputs and gradients of the original networks."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops
from safetensors.numpy import load_file

from mirnet_keras import weights
from mirnet_keras.layers import PixelShuffle
from mirnet_keras.weights import awsrn, mirnet, mirnet_v2
from mirnet_keras.weights.tensors import shuffled_channels

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = sorted(path.stem for path in GOLDEN.glob("*.json"))
TABLES = {"awsrn": awsrn, "mirnet": mirnet, "mirnet_v2": mirnet_v2}


class Golden:
    """A golden file and the model that its parameters give."""

    def __init__(self, name):
        self.facts = json.loads((GOLDEN / f"{name}.json").read_text())
        self.tensors = load_file(GOLDEN / f"{name}.safetensors")
        self.parameters = self.part("param/")
        self.range = self.facts["value_range"][1]
        self.model = weights.from_official(self.parameters)

    def part(self, prefix):
        found = {k: v for k, v in self.tensors.items() if k.startswith(prefix)}
        return {k.removeprefix(prefix): v for k, v in found.items()}

    def image(self, name):
        return self.tensors[name].transpose(0, 2, 3, 1) / self.range


@pytest.fixture(scope="module", params=CASES)
def golden(request):
    return Golden(request.param)


def relative_error(ours, theirs):
    ours = ops.convert_to_numpy(ours)
    assert ours.shape == theirs.shape
    return np.abs(ours - theirs).max() / np.abs(theirs).max()


def test_there_is_a_case_for_every_variant():
    assert len(CASES) == 14


def test_output(golden):
    assert relative_error(golden.model(golden.image("in/x")), golden.image("out/y")) < 1e-5


def test_parameter_count(golden):
    assert golden.model.count_params() == golden.facts["used_params"]


def test_round_trip_is_bit_identical(golden):
    back = weights.to_official(golden.model)
    canonical = getattr(TABLES[golden.model.network], "canonical", str)
    original = {canonical(key): array for key, array in golden.parameters.items()}
    assert original.keys() - back.keys() == set(golden.facts["unused_keys"])
    for key, array in back.items():
        np.testing.assert_array_equal(array, original[key], err_msg=key)


def test_intermediate_outputs(golden, monkeypatch):
    calls = record_calls(monkeypatch)
    golden.model(golden.image("in/x"))
    monkeypatch.undo()
    modules = MODULES[golden.model.network](golden.model)
    compared = 0
    for key, theirs in golden.part("mid/").items():
        name, call = key.rsplit("@", 1)
        layer, adapt = modules[awsrn.canonical(f"{name}.")[:-1]]
        ours = adapt(*calls[id(layer)][int(call)])
        assert relative_error(ours, theirs.transpose(0, 2, 3, 1)) < 2e-5, key
        compared += 1
    assert compared == len(golden.part("mid/"))


def test_gradients(golden):
    theirs = golden.part("grad/")
    if "grad" not in golden.facts["case"]:
        assert not theirs
        return
    ours = gradients(golden.model, golden.image("in/x"), golden.image("in/t"))
    table = {t.key: t for t in TABLES[golden.model.network].tensors(golden.model)}
    places = {id(v): i for i, v in enumerate(golden.model.trainable_variables)}
    compared = set()
    for key, gradient in theirs.items():
        tensor = table[awsrn.canonical(key)]
        expected = tensor.to_ours(gradient)
        place = places[id(tensor.variable)]
        compared.add(place)
        if key.endswith("conv_mask.bias"):  # softmax does not see it: rounding is all there is
            assert np.abs(ours[place]).max() < 1e-8
            continue
        # Ours is the gradient of a loss on 0..1, theirs of the same loss on their range.
        assert relative_error(ours[place] * golden.range, expected) < 2e-3, key
    assert len(compared) == len(golden.model.trainable_variables)


def gradients(model, inputs, targets):
    """d mean |model(inputs) - targets| / d trainable variable, for each."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            loss = ops.mean(ops.abs(model(inputs) - targets))
        found = tape.gradient(loss, [v.value for v in model.trainable_variables])
    else:
        import jax

        def loss(values):
            outputs, _ = model.stateless_call(values, [], inputs)
            return ops.mean(ops.abs(outputs - targets))

        found = jax.grad(loss)([v.value for v in model.trainable_variables])
    return [np.asarray(gradient) for gradient in found]


def record_calls(monkeypatch):
    """Records (input, output) of every call of every layer, by the layer's id."""
    calls: dict[int, list] = {}
    original = keras.layers.Layer.__call__

    def recording(layer, *args, **kwargs):
        outputs = original(layer, *args, **kwargs)
        plain = outputs[0] if isinstance(outputs, tuple) else outputs
        calls.setdefault(id(layer), []).append((args[0], plain))
        return outputs

    monkeypatch.setattr(keras.layers.Layer, "__call__", recording)
    return calls


def as_it_is(inputs, outputs):
    return outputs


def mirnet_modules(model):
    """The authors' module names -> our layer, for every module in the golden files."""
    modules = {"conv_in": model.get_layer("head")}
    for g in range(model.arguments["groups"]):
        group = model.get_layer(f"group_{g}")
        modules[f"body.{g}"] = group
        for b, block in enumerate(group.blocks):
            prefix = f"body.{g}.body.{b}"
            modules[prefix] = block
            modules[f"{prefix}.conv_out"] = block.last
            for row in range(block.rows):
                unit = block.unit(row, 0)
                modules[f"{prefix}.blocks.{row}.0"] = unit
                modules[f"{prefix}.blocks.{row}.0.SA"] = unit.spatial
                modules[f"{prefix}.blocks.{row}.0.CA"] = unit.channel
            for row, fusion in enumerate(block.fusion):
                modules[f"{prefix}.selective_kernel.{row}"] = fusion
            for key, chain in block.last_up.items():
                modules[f"{prefix}.last_up.{key[0]}"] = chain
            for kind, chains in (("down", block.down), ("up", block.up)):
                for key, chain in chains.items():
                    width = block.row_shapes[int(key[0])][-1]
                    modules[f"{prefix}.{kind}.{width}_{2**chain.number_of_steps}"] = chain
    return {name: (layer, as_it_is) for name, layer in modules.items()}


def mirnet_v2_modules(model):
    modules = {"conv_in": model.get_layer("head")}
    for g in range(len(model.arguments["convolution_groups"])):
        group = model.get_layer(f"group_{g}")
        modules[f"body.{g}"] = group
        for b, block in enumerate(group.blocks):
            prefix = f"body.{g}.body.{b}"
            modules |= {
                prefix: block,
                f"{prefix}.down2": block.to_middle,
                f"{prefix}.down4": block.to_bottom[1],
                f"{prefix}.skff_top": block.fusion["top"],
                f"{prefix}.skff_mid": block.fusion["middle"],
            }
            for theirs, ours in (("top", "top"), ("mid", "middle"), ("bot", "bottom")):
                modules[f"{prefix}.dau_{theirs}"] = block.blocks[ours]
                modules[f"{prefix}.dau_{theirs}.gcnet"] = block.blocks[ours].context
            for column in range(2):
                modules[f"{prefix}.up21_{column + 1}"] = block.middle_up[column]
                modules[f"{prefix}.up32_{column + 1}"] = block.bottom_up[column]
    return {name: (layer, as_it_is) for name, layer in modules.items()}


def awsrn_modules(model):
    shuffle = PixelShuffle(model.scale)
    theirs = np.argsort(shuffled_channels(3, model.scale))
    tail = model.get_layer("reconstruction")

    def shuffled(inputs, outputs):
        return shuffle(outputs)

    def branch_output(branch):
        return lambda inputs, outputs: ops.take(branch(inputs), theirs, axis=-1)

    last = model.get_layer(f"block_{model.arguments['blocks'] - 1}")
    modules = {
        "head.0": (model.get_layer("head"), as_it_is),
        "skip": (model.get_layer("skip"), shuffled),
        "tail": (tail, shuffled),
        "body": (last, as_it_is),
    }
    for size, branch in zip(tail.kernel_sizes, tail.branches, strict=True):
        modules[f"tail.tail_k{size}"] = (tail, branch_output(branch))
    for b in range(model.arguments["blocks"]):
        block = model.get_layer(f"block_{b}")
        modules[f"body.{b}"] = (block, as_it_is)
        modules[f"body.{b}.reduction"] = (block.fuse, unscaled(block))
        for u, unit in enumerate(block.units):
            modules[f"body.{b}.b{u}"] = (unit, as_it_is)
    return modules


def unscaled(block):
    """The fusion's output before the residual scale, which our layer folds into its kernel."""
    return lambda inputs, outputs: outputs / ops.convert_to_tensor(block.residual_scale)


MODULES = {"mirnet": mirnet_modules, "mirnet_v2": mirnet_v2_modules, "awsrn": awsrn_modules}
