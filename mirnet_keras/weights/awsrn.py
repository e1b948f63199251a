"""AWSRN under the authors' names."""

import re
from collections.abc import Mapping

import numpy as np

from mirnet_keras.models import AWSRN
from mirnet_keras.weights.tensors import (
    Tensor,
    shuffled_channels,
    vector,
    weight_norm_convolution,
)

BUILDER = AWSRN
ASSUMED = ()
SMALLEST = {"blocks": 1, "units": 1, "filters": 4, "wide_filters": 8}


def canonical(key: str) -> str:
    """The one name of an entry that the authors' code knows under several."""
    return re.sub(r"\.lfl\.(\d+)\.", r".b\1.", key)


def complete(arrays: Mapping[str, np.ndarray], _arguments: Mapping) -> dict[str, np.ndarray]:
    """Split weights again whose normalisation was merged, as `remove_weight_norm` does."""
    found = dict(arrays)
    if "skip.0.weight" not in arrays:
        return found
    for key in [key for key in arrays if key.endswith(".weight") and arrays[key].ndim == 4]:
        weight = found.pop(key)
        length = np.sqrt(np.sum(weight**2, axis=(1, 2, 3), keepdims=True))
        found[f"{key}_g"] = length
        found[f"{key}_v"] = np.where(length > 0, weight, 1)  # of length 0 any direction will do
    return found


def recognise(arrays: Mapping[str, np.ndarray]) -> dict | None:
    """The arguments of `AWSRN` that fit the state dict, or None."""
    if "head.0.weight_v" not in arrays or "skip.0.weight_v" not in arrays:
        return None
    found = [re.match(r"body\.(\d+)\.b(\d+)\.body\.0\.weight_v", key) for key in arrays]
    blocks = {int(match[1]) for match in found if match}
    units = {int(match[2]) for match in found if match}
    sizes = [re.match(r"tail\.tail_k(\d+)\.weight_v", key) for key in arrays]
    wide = arrays.get("body.0.b0.body.0.weight_v")
    filters, colours = arrays["head.0.weight_v"].shape[:2]
    return {
        "scale": round((arrays["skip.0.weight_v"].shape[0] / colours) ** 0.5),
        "blocks": len(blocks),
        "units": len(units),
        "filters": filters,
        "wide_filters": 128 if wide is None else wide.shape[0],
        "kernel_sizes": sorted(int(match[1]) for match in sizes if match),
    }


def tensors(model) -> list[Tensor]:
    """Every entry of the authors' state dict for `model`."""
    order = shuffled_channels(3, model.scale)
    table = weight_norm_convolution("head.0", model.get_layer("head"))
    table += weight_norm_convolution("skip.0", model.get_layer("skip"), order)
    for b in range(model.arguments["blocks"]):
        table += _block(f"body.{b}", model.get_layer(f"block_{b}"))
    tail = model.get_layer("reconstruction")
    for size, branch, scale in zip(tail.kernel_sizes, tail.branches, tail.scales, strict=True):
        table += weight_norm_convolution(f"tail.tail_k{size}", branch, order)
        table.append(vector(f"tail.scale_k{size}.scale", scale))
    return table


def _block(prefix: str, block) -> list[Tensor]:
    table = _scales(prefix, block)
    for u, unit in enumerate(block.units):
        table += _scales(f"{prefix}.b{u}", unit)
        table += weight_norm_convolution(f"{prefix}.b{u}.body.0", unit.expand)
        table += weight_norm_convolution(f"{prefix}.b{u}.body.2", unit.project)
    return table + weight_norm_convolution(f"{prefix}.reduction", block.fuse)


def _scales(prefix: str, layer) -> list[Tensor]:
    return [
        vector(f"{prefix}.res_scale.scale", layer.residual_scale),
        vector(f"{prefix}.x_scale.scale", layer.identity_scale),
    ]
