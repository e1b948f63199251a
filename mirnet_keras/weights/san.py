"""SAN under the authors' names."""

import re
from collections.abc import Mapping

import numpy as np

from mirnet_keras.models import SAN
from mirnet_keras.weights import rcan
from mirnet_keras.weights.tensors import Tensor, convolution, dense, vector

BUILDER = SAN
ASSUMED = ("value_range", "statistics_size")
SMALLEST = {"groups": 1, "blocks": 1, "filters": 8, "reduction": 4}
DEAD_REDUCTION = 8  # of the attention that the non-local block holds and never calls


def recognise(arrays: Mapping[str, np.ndarray]) -> dict | None:
    """The arguments of `SAN` that fit the state dict, or None."""
    if not any(re.match(r"RG\.\d+\.soca\.", key) for key in arrays):
        return None
    return {
        "groups": rcan.count(arrays, "RG."),
        "blocks": rcan.count(arrays, "RG.0.rcab."),
        "reduction": rcan.features(arrays) // rcan.hidden(arrays),
        "statistics_size": 1000,
    } | rcan.ends(arrays)


def tensors(model) -> list[Tensor]:
    """Every entry of the authors' state dict for `model`, those never used included."""
    table = rcan.head_and_tail(model)
    table.append(vector("gamma", model.get_layer("share_source").weight))
    for g in range(model.arguments["groups"]):
        group = model.get_layer(f"group_{g}")
        for b, block in enumerate(group.blocks):
            table += convolution(f"RG.{g}.rcab.{b}.conv_first.0", block.first)
            table += convolution(f"RG.{g}.rcab.{b}.conv_first.2", block.second)
        table += dense(f"RG.{g}.soca.conv_du.0", group.attention.squeeze)
        table += dense(f"RG.{g}.soca.conv_du.2", group.attention.excite)
        table += convolution(f"RG.{g}.conv_last", group.last)
    non_local = model.get_layer("non_local")
    table += convolution("non_local.non_local.theta", non_local.query)
    table += convolution("non_local.non_local.phi.0", non_local.key)
    table += convolution("non_local.non_local.g.0", non_local.value)
    table += convolution("non_local.non_local.W", non_local.project)
    return table + _never_called(model.arguments["groups"], model.arguments["filters"])


def _never_called(groups: int, filters: int) -> list[Tensor]:
    hidden = filters // DEAD_REDUCTION
    return [
        *(Tensor(f"RG.{g}.gamma", (1,)) for g in range(groups)),
        Tensor("conv_last.weight", (filters, filters, 3, 3)),
        Tensor("conv_last.bias", (filters,)),
        Tensor("non_local.soca.conv_du.0.weight", (hidden, filters, 1, 1)),
        Tensor("non_local.soca.conv_du.0.bias", (hidden,)),
        Tensor("non_local.soca.conv_du.2.weight", (filters, hidden, 1, 1)),
        Tensor("non_local.soca.conv_du.2.bias", (filters,)),
    ]
