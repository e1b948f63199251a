"""MIRNet-v2 under the authors' names."""

from collections.abc import Mapping

import numpy as np

from mirnet_keras.models import MIRNetV2
from mirnet_keras.weights.tensors import Tensor, convolution, dense

BUILDER = MIRNetV2
ASSUMED = ("image_residual",)
SMALLEST = {"filters": 8, "blocks": 1, "convolution_groups": [1]}


def recognise(arrays: Mapping[str, np.ndarray]) -> dict | None:
    """The arguments of `MIRNetV2` that fit the state dict, or None."""
    if "conv_in.weight" not in arrays or "body.0.body.0.dau_top.body.0.weight" not in arrays:
        return None
    filters, in_channels, _, _ = arrays["conv_in.weight"].shape
    out_channels = arrays["conv_out.weight"].shape[0]
    below = arrays["body.0.body.0.down2.body.0.bot.1.weight"].shape[0]
    bottom = arrays["body.0.body.0.down4.1.body.0.bot.1.weight"].shape[0]
    units = [f"body.{g}.body.0.dau_top.body.0.weight" for g in range(len(arrays))]
    groups = [filters // arrays[unit].shape[1] for unit in units if unit in arrays]
    return {
        "filters": filters,
        "channel_factor": _factor(filters, below, bottom),
        "blocks": sum(f"body.0.body.{b}.dau_top.body.0.weight" in arrays for b in range(99)),
        "convolution_groups": groups,
        "in_channels": in_channels,
        "out_channels": out_channels,
        "image_residual": in_channels == out_channels,
        "use_bias": "conv_in.bias" in arrays,
    }


def tensors(model) -> list[Tensor]:
    """Every entry of the authors' state dict for `model`."""
    table = convolution("conv_in", model.get_layer("head"))
    for g in range(len(model.arguments["convolution_groups"])):
        group = model.get_layer(f"group_{g}")
        for b, block in enumerate(group.blocks):
            table += _block(f"body.{g}.body.{b}", block)
        table += convolution(f"body.{g}.body.{len(group.blocks)}", group.last)
    return table + convolution("conv_out", model.get_layer("tail"))


def _block(prefix: str, block) -> list[Tensor]:
    table: list[Tensor] = []
    for theirs, ours in (("top", "top"), ("mid", "middle"), ("bot", "bottom")):
        table += _contextual_block(f"{prefix}.dau_{theirs}", block.blocks[ours])
    table += convolution(f"{prefix}.down2.body.0.bot.1", block.to_middle.widen)
    for step, down in enumerate(block.to_bottom):
        table += convolution(f"{prefix}.down4.{step}.body.0.bot.1", down.widen)
    for column in range(2):
        middle, bottom = block.middle_up[column], block.bottom_up[column]
        table += convolution(f"{prefix}.up21_{column + 1}.body.0.bot.0", middle)
        table += convolution(f"{prefix}.up32_{column + 1}.body.0.bot.0", bottom)
    table += convolution(f"{prefix}.conv_out", block.last)
    for theirs, ours in (("top", "top"), ("mid", "middle")):
        fusion = block.fusion[ours]
        table += dense(f"{prefix}.skff_{theirs}.conv_du.0", fusion.squeeze)
        for i, expand in enumerate(fusion.expand):
            table += dense(f"{prefix}.skff_{theirs}.fcs.{i}", expand)
    return table


def _contextual_block(prefix: str, unit) -> list[Tensor]:
    return [
        *convolution(f"{prefix}.body.0", unit.first),
        *convolution(f"{prefix}.body.2", unit.second),
        *convolution(f"{prefix}.gcnet.conv_mask", unit.context.mask),
        *dense(f"{prefix}.gcnet.channel_add_conv.0", unit.context.squeeze),
        *dense(f"{prefix}.gcnet.channel_add_conv.2", unit.context.expand),
    ]


def _factor(filters: int, middle: int, bottom: int) -> float:
    """The simplest factor whose rounded-down powers give the rows' widths."""
    candidates = [1.5, 2.0, 1.0, middle / filters, (bottom / filters) ** 0.5]
    for factor in candidates:
        if int(filters * factor) == middle and int(filters * factor**2) == bottom:
            return factor
    return middle / filters
