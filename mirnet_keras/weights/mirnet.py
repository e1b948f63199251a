"""MIRNet under the authors' names."""

from collections.abc import Mapping

import numpy as np

from mirnet_keras.layers.blur_pool import BINOMIAL
from mirnet_keras.models import MIRNet
from mirnet_keras.weights.tensors import (
    Tensor,
    convolution,
    dense,
    transposed_convolution,
    vector,
)

BUILDER = MIRNet
ASSUMED = ()
SMALLEST = {"groups": 1, "blocks": 1, "filters": 8}


def recognise(arrays: Mapping[str, np.ndarray]) -> dict | None:
    """The arguments of `MIRNet` that fit the state dict, or None."""
    if not any(".blocks.0.0.SA." in key for key in arrays) or "conv_in.weight" not in arrays:
        return None
    filters, channels, kernel_size, _ = arrays["conv_in.weight"].shape
    block = "body.0.body.0."
    shared = all(
        np.array_equal(array, arrays[_column(key, "0")])
        for key, array in arrays.items()
        if key.startswith(f"{block}blocks.0.") and key.endswith("conv1x1.weight")
    )
    return {
        "groups": _count(arrays, "body."),
        "blocks": _count(arrays, "body.0.body.") - 1,
        "filters": filters,
        "rows": _count(arrays, f"{block}blocks."),
        "columns": _count(arrays, f"{block}blocks.0."),
        "channels": channels,
        "kernel_size": kernel_size,
        "use_bias": "conv_in.bias" in arrays,
        "share_columns": shared,
    }


def tensors(model) -> list[Tensor]:
    """Every entry of the authors' state dict, tied entries under each of their names."""
    table = convolution("conv_in", model.get_layer("head"))
    for g in range(model.arguments["groups"]):
        group = model.get_layer(f"group_{g}")
        for b, block in enumerate(group.blocks):
            table += _block(f"body.{g}.body.{b}", block)
        table += convolution(f"body.{g}.body.{len(group.blocks)}", group.last)
    return table + convolution("conv_out", model.get_layer("tail"))


def _block(prefix: str, block) -> list[Tensor]:
    table: list[Tensor] = []
    for row in range(block.rows):
        for column in range(block.columns):
            table += _unit(f"{prefix}.blocks.{row}.{column}", block.unit(row, column))
    table += _resizing(prefix, block)
    for row, fusion in enumerate(block.fusion):
        table += _fusion(f"{prefix}.selective_kernel.{row}", fusion)
    if block.columns == 1:
        table += _never_called(prefix, block)
    return table + convolution(f"{prefix}.conv_out", block.last)


def _unit(prefix: str, unit) -> list[Tensor]:
    return [
        *convolution(f"{prefix}.body.0", unit.first),
        vector(f"{prefix}.body.1.weight", unit.activation.slope),
        *convolution(f"{prefix}.body.2", unit.second),
        *convolution(f"{prefix}.SA.spatial.conv", unit.spatial.gate),
        *dense(f"{prefix}.CA.conv_du.0", unit.channel.squeeze),
        *dense(f"{prefix}.CA.conv_du.2", unit.channel.excite),
        *convolution(f"{prefix}.conv1x1", unit.merge),
    ]


def _fusion(prefix: str, fusion) -> list[Tensor]:
    table = dense(f"{prefix}.conv_du.0", fusion.squeeze)
    table.append(vector(f"{prefix}.conv_du.1.weight", fusion.activation.slope))
    for i, expand in enumerate(fusion.expand):
        table += dense(f"{prefix}.fcs.{i}", expand)
    return table


def _resizing(prefix: str, block) -> list[Tensor]:
    table: list[Tensor] = []
    for key, chain in block.last_up.items():
        source = key.split("_")[0]
        table += _up(f"{prefix}.last_up.{source}", chain)
    for kind, chains, write in (("down", block.down, _down), ("up", block.up, _up)):
        for key, chain in chains.items():
            channels = block.row_shapes[int(key.split("_")[0])][-1]
            table += write(f"{prefix}.{kind}.{channels}_{2**chain.number_of_steps}", chain)
    return table


def _down(prefix: str, chain) -> list[Tensor]:
    table: list[Tensor] = []
    for s, step in enumerate(chain.steps):
        top, bottom = f"{prefix}.body.{s}.top", f"{prefix}.body.{s}.bot"
        channels = step.reduce.filters
        table += [
            *convolution(f"{top}.0", step.reduce),
            vector(f"{top}.1.weight", step.reduce_activation.slope),
            *convolution(f"{top}.2", step.filter),
            vector(f"{top}.3.weight", step.filter_activation.slope),
            _blur(f"{top}.4.filt", channels),
            *convolution(f"{top}.5", step.widen),
            _blur(f"{bottom}.0.filt", channels),
            *convolution(f"{bottom}.1", step.shortcut),
        ]
    return table


def _up(prefix: str, chain) -> list[Tensor]:
    table: list[Tensor] = []
    for s, step in enumerate(chain.steps):
        top, bottom = f"{prefix}.body.{s}.top", f"{prefix}.body.{s}.bot"
        table += [
            *convolution(f"{top}.0", step.reduce),
            vector(f"{top}.1.weight", step.reduce_activation.slope),
            *transposed_convolution(f"{top}.2", step.enlarge),
            vector(f"{top}.3.weight", step.enlarge_activation.slope),
            *convolution(f"{top}.4", step.narrow),
            *convolution(f"{bottom}.1", step.shortcut),
        ]
    return table


def _blur(key: str, channels: int) -> Tensor:
    kernel = np.broadcast_to(BINOMIAL, (channels, 1, 3, 3))
    return Tensor(key, kernel.shape, constant=kernel)


def _never_called(prefix: str, block) -> list[Tensor]:
    """With one column the authors' exchange modules exist, but nothing reaches them."""
    table = []
    widths = [shape[-1] for shape in block.row_shapes]
    for source in range(block.rows):
        for target in range(block.rows):
            steps = abs(target - source)
            name = f"{widths[source]}_{2**steps}"
            if target > source + 1:
                table += _unused_steps(f"{prefix}.down.{name}", widths[source], steps, down=True)
            elif target < source:
                table += _unused_steps(f"{prefix}.up.{name}", widths[source], steps, down=False)
        if source > 0:
            table += _unused_fusion(f"{prefix}.selective_kernel.{source}", widths[source], block)
    return table


def _unused_steps(prefix: str, channels: int, steps: int, down: bool) -> list[Tensor]:
    table = []
    for s in range(steps):
        top, bottom = f"{prefix}.body.{s}.top", f"{prefix}.body.{s}.bot"
        after = 2 * channels if down else channels // 2
        last = 5 if down else 4
        table += [
            Tensor(f"{top}.0.weight", (channels, channels, 1, 1)),
            Tensor(f"{top}.1.weight", (1,)),
            Tensor(f"{top}.2.weight", (channels, channels, 3, 3)),
            Tensor(f"{top}.3.weight", (1,)),
            Tensor(f"{top}.{last}.weight", (after, channels, 1, 1)),
            Tensor(f"{bottom}.1.weight", (after, channels, 1, 1)),
        ]
        if down:
            table += [_blur(f"{top}.4.filt", channels), _blur(f"{bottom}.0.filt", channels)]
        channels = after
    return table


def _unused_fusion(prefix: str, channels: int, block) -> list[Tensor]:
    descriptor = max(channels // 8, 4)
    return [
        Tensor(f"{prefix}.conv_du.0.weight", (descriptor, channels, 1, 1)),
        Tensor(f"{prefix}.conv_du.1.weight", (1,)),
        *(
            Tensor(f"{prefix}.fcs.{i}.weight", (channels, descriptor, 1, 1))
            for i in range(block.rows)
        ),
    ]


def _column(key: str, column: str) -> str:
    """`key` of the same row, in another column."""
    parts = key.split(".")
    parts[parts.index("blocks") + 2] = column
    return ".".join(parts)


def _count(arrays, prefix: str) -> int:
    """How many numbers follow `prefix` in the keys."""
    return len({key[len(prefix) :].split(".")[0] for key in arrays if key.startswith(prefix)})
