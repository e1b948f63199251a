"""The authors' numbers: what comes out of the modules inside the original networks."""

import re

import keras
import numpy as np
from keras import ops

from mirnet_keras.layers import PixelShuffle
from mirnet_keras.layers.second_order_channel_attention import (
    channel_covariance,
    square_root,
    square_root_row_mean,
)
from mirnet_keras.weights import awsrn
from mirnet_keras.weights.tensors import shuffled_channels


def test_intermediate_outputs(golden, monkeypatch, relative_error):
    calls = record_calls(monkeypatch)
    golden.model(golden.image("in/x"))
    monkeypatch.undo()
    modules = MODULES[golden.model.network](golden.model)
    assert golden.part("mid/")
    for key, theirs in golden.part("mid/").items():
        name, call = module_and_call(key)
        layer, adapt = modules[name]
        ours = adapt(*calls[id(layer)][call])
        if theirs.ndim >= 4:
            theirs = np.moveaxis(theirs, -3, -1)
        assert relative_error(ours, theirs) < 2e-5, key


def test_a_weight_shared_module_is_called_several_times():
    assert module_and_call("body.0.lfl.1@2") == ("body.0.b1", 2)
    assert module_and_call("non_local.call1") == ("non_local", 1)
    assert module_and_call("RG.0.soca") == ("RG.0.soca", 0)


def module_and_call(key):
    """`module@2`, `module.call2`, or `module` where it is called once."""
    name, call = re.fullmatch(r"(.*?)(?:(?:@|\.call)(\d+))?", key).groups()
    return awsrn.canonical(f"{name}.")[:-1], int(call or 0)


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


def gate(layer):
    """The layer's attention of one number for each channel, as a 1 x 1 image."""
    return lambda inputs, outputs: layer(inputs, return_attention=True)[1][:, None, None]


def ends(model):
    return {
        "sub_mean": (model.get_layer("subtract_mean"), as_it_is),
        "head": (model.get_layer("head"), as_it_is),
        "upsampler": (model.get_layer("upsampling"), as_it_is),
    }


def rcan_modules(model):
    groups = model.arguments["groups"]
    modules = ends(model) | {f"body.{groups}": (model.get_layer("body_last"), as_it_is)}
    for g in range(groups):
        group = model.get_layer(f"group_{g}")
        modules[f"body.{g}"] = (group, as_it_is)
        for b, block in enumerate(group.blocks):
            prefix = f"body.{g}.body.{b}"
            modules[prefix] = (block, as_it_is)
            modules[f"{prefix}.body.3"] = (block.channel, as_it_is)
            modules[f"{prefix}.body.3.weights"] = (block.channel, gate(block.channel))
    return modules


def han_modules(model):
    layered, spatial = (
        model.get_layer(name) for name in ("layer_attention", "channel_spatial_attention")
    )

    def energies(inputs, outputs):
        features = ops.reshape(ops.stack(inputs, axis=1), (len(inputs[0]), len(inputs), -1))
        return ops.matmul(features, ops.transpose(features, (0, 2, 1)))

    return rcan_modules(model) | {
        "la": (layered, as_it_is),
        "la.in": (layered, lambda inputs, outputs: ops.stack(inputs, axis=1)),
        "la.energy": (layered, energies),
        "la.attention": (layered, lambda x, outputs: layered(x, return_attention=True)[1]),
        "last_conv": (model.get_layer("layer_fusion"), as_it_is),
        "csa": (spatial, as_it_is),
        "csa.attention": (spatial, lambda x, y: spatial(x, return_attention=True)[1][:, None]),
        "last": (model.get_layer("fusion"), as_it_is),
    }


def san_modules(model):
    modules = ends(model) | {"non_local": (model.get_layer("non_local"), as_it_is)}
    for g in range(model.arguments["groups"]):
        group = model.get_layer(f"group_{g}")
        soca = group.attention
        modules |= {
            f"RG.{g}": (group, as_it_is),
            f"RG.{g}.soca": (soca, as_it_is),
            f"RG.{g}.soca.cov": (soca, lambda x, y: channel_covariance(x)),
            f"RG.{g}.soca.sqrt": (soca, lambda x, y: square_root(channel_covariance(x))),
            f"RG.{g}.soca.pooled": (
                soca,
                lambda x, y: square_root_row_mean(channel_covariance(x)),
            ),
            f"RG.{g}.soca.weights": (soca, gate(soca)),
        }
        for b, block in enumerate(group.blocks):
            modules[f"RG.{g}.rcab.{b}"] = (block, as_it_is)
    return modules


MODULES = {
    "awsrn": awsrn_modules,
    "han": han_modules,
    "mirnet": mirnet_modules,
    "mirnet_v2": mirnet_v2_modules,
    "rcan": rcan_modules,
    "san": san_modules,
}
