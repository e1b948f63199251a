"""SFTGAN's segmentation network under the authors' names."""

import itertools
from collections.abc import Mapping

import numpy as np

from mirnet_keras.models import OutdoorSceneSeg
from mirnet_keras.weights.tensors import (
    Tensor,
    batch_normalization,
    convolution,
    transposed_convolution,
)

BUILDER = OutdoorSceneSeg
ASSUMED = ()
SMALLEST = {"stem": (2, 2, 2), "blocks": (1, 1, 1, 1), "widths": (1, 2, 3, 4), "hidden": 2}
FIRST_BLOCK = 10  # place of the first bottleneck among the layers


def recognise(arrays: Mapping[str, np.ndarray]) -> dict | None:
    """The arguments of `OutdoorSceneSeg` that fit the state dict, or None.

    A stage ends where the width of the blocks changes.
    """
    if "deconv.weight" not in arrays or "feature.10.res.0.weight" not in arrays:
        return None
    inside: list[int] = []
    while (key := f"feature.{FIRST_BLOCK + len(inside)}.res.0.weight") in arrays:
        inside.append(arrays[key].shape[0])
    stages = [(width, len(list(group))) for width, group in itertools.groupby(inside)]
    return {
        "stem": [arrays[f"feature.{place}.weight"].shape[0] for place in (0, 3, 6)],
        "blocks": [number for _, number in stages],
        "widths": [width for width, _ in stages],
        "hidden": arrays[f"feature.{FIRST_BLOCK + len(inside)}.weight"].shape[0],
    }


def tensors(model) -> list[Tensor]:
    """Every entry of the authors' state dict for `model`, in their order."""
    table = [t for i in range(3) for t in _normalised(f"feature.{3 * i}", model, f"stem_{i}")]
    place = FIRST_BLOCK
    for stage, blocks in enumerate(model.arguments["blocks"]):
        for b in range(blocks):
            table += _bottleneck(f"feature.{place}", model, f"stage_{stage}_block_{b}")
            place += 1
    table += _normalised(f"feature.{place}", model, "hidden")
    # Between them: normalisation, ReLU and dropout.
    table += convolution(f"feature.{place + 4}", model.get_layer("scores"))
    return table + transposed_convolution("deconv", model.get_layer("enlargement"))


def _bottleneck(prefix: str, model, name: str) -> list[Tensor]:
    table = []
    for place, part in ((0, "reduce"), (3, "filter"), (6, "widen")):
        table += _normalised(f"{prefix}.res.{place}", model, f"{name}_{part}")
    if any(layer.name == f"{name}_shortcut" for layer in model.layers):
        table += _normalised(f"{prefix}.proj.0", model, f"{name}_shortcut")
    return table


def _normalised(prefix: str, model, name: str) -> list[Tensor]:
    """A convolution and its normalisation, which has the next number."""
    stem, _, place = prefix.rpartition(".")
    return [
        *convolution(prefix, model.get_layer(name)),
        *batch_normalization(f"{stem}.{int(place) + 1}", model.get_layer(f"{name}_norm")),
    ]
