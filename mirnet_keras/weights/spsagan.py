"""SPSAGAN's generator: RRDBNet's names, and those of the attention and the condition network."""

from collections.abc import Mapping

import numpy as np

from mirnet_keras.models import SPSAGAN
from mirnet_keras.weights import rrdbnet
from mirnet_keras.weights.tensors import Tensor, convolution, vector

BUILDER = SPSAGAN
ASSUMED = ("spsa_after", "attention")
SMALLEST = {"filters": 4, "blocks": 1, "growth": 2, "cond_hidden": 4, "cond_channels": 2}

PROJECTIONS = {
    "f_fea": "key",
    "g_fea": "query",
    "h": "value",
    "v": "project",
    "f_seg": "condition_key",
    "g_seg": "condition_query",
}


def canonical(key: str) -> str:
    """BasicSR's name of an entry."""
    return rrdbnet.canonical(key)


def recognise(arrays: Mapping[str, np.ndarray]) -> dict | None:
    """The arguments of `SPSAGAN` that fit the state dict, or None."""
    found = rrdbnet.trunk(arrays)
    if found is None:
        return None
    units = {key.split(".")[1] for key in arrays if key.startswith("spsa.")}
    found["links"] = rrdbnet.links_that_fit(arrays, found)
    if found["links"] is None:
        return None
    blocks = found["blocks"]
    found["spsa_after"] = list(range(blocks - len(units) + 1, blocks + 1))
    return found | _attention(arrays, found["filters"]) if units else found


def _attention(arrays: Mapping[str, np.ndarray], filters: int) -> dict:
    key = arrays["spsa.0.f_fea.weight"]
    options = {"key_ratio": filters // key.shape[0]}
    seg_key = arrays.get("spsa.0.f_seg.weight")
    if seg_key is None:
        options["seg_mode"] = "similarity"
    else:
        options["seg_key_dim"] = seg_key.shape[0]
    if "spsa.0.v.weight" in arrays:
        options["value_dim"] = arrays["spsa.0.h.weight"].shape[0]
    first, last = (arrays.get(f"cond_net.{n}.weight") for n in (0, 8))
    if first is None or last is None:
        return {"attention": options, "condition": "probabilities"}
    return {
        "attention": options,
        "condition": "network",
        "classes": first.shape[1],
        "cond_hidden": first.shape[0],
        "cond_channels": last.shape[0],
    }


def tensors(model) -> list[Tensor]:
    """Every entry of the state dict for `model`."""
    table = rrdbnet.tensors(model)
    units = [layer for layer in model.layers if layer.name.startswith("attention_")]
    for number, unit in enumerate(units):
        table.append(vector(f"spsa.{number}.gamma", unit.gamma))
        for theirs, ours in PROJECTIONS.items():
            layer = getattr(unit, ours)
            if layer is not None:
                table += convolution(f"spsa.{number}.{theirs}", layer)
    if units and model.arguments["condition"] == "network":
        for number, layer in enumerate(model.get_layer("condition").convolutions):
            table += convolution(f"cond_net.{2 * number}", layer)
    return table
