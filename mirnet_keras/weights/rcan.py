"""RCAN under the authors' names, and what its relatives share with it."""

import collections
from collections.abc import Mapping

import numpy as np

from mirnet_keras.models import RCAN
from mirnet_keras.weights.tensors import Tensor, convolution, dense, shuffled_channels

BUILDER = RCAN
ASSUMED = ("value_range",)  # told by the size of the mean shift, not by a shape
SMALLEST = {"groups": 1, "blocks": 1, "filters": 8, "reduction": 4}


def recognise(arrays: Mapping[str, np.ndarray]) -> dict | None:
    """The arguments of `RCAN` that fit the state dict, or None."""
    if "body.0.body.0.body.3.conv_du.0.weight" not in arrays or "la.gamma" in arrays:
        return None
    return residual_groups(arrays) | ends(arrays)


def residual_groups(arrays: Mapping[str, np.ndarray]) -> dict:
    """What the names and shapes of the residual groups tell."""
    hidden = arrays["body.0.body.0.body.3.conv_du.0.weight"].shape[0]
    return {
        "groups": count(arrays, "body.") - 1,
        "blocks": count(arrays, "body.0.body.") - 1,
        "reduction": features(arrays) // hidden,
    }


def ends(arrays: Mapping[str, np.ndarray]) -> dict:
    """What the head, the tail and the mean shift tell."""
    filters = features(arrays)
    steps = sum(f"tail.0.{step}.weight" in arrays for step in (0, 2, 4))
    factor = round((arrays["tail.0.0.weight"].shape[0] / filters) ** 0.5)
    white = 255.0 if np.abs(arrays["add_mean.bias"]).max() > 1 else 1.0
    return {"scale": factor**steps, "filters": filters, "value_range": white}


def features(arrays: Mapping[str, np.ndarray]) -> int:
    """The width of most 3 x 3 convolutions, so that one wrong tensor does not decide."""
    widths = [a.shape[0] for a in arrays.values() if a.ndim == 4 and a.shape[2:] == (3, 3)]
    return collections.Counter(widths).most_common(1)[0][0]


def count(arrays: Mapping[str, np.ndarray], prefix: str) -> int:
    """How many different numbers follow `prefix` in the names."""
    return len({key[len(prefix) :].split(".")[0] for key in arrays if key.startswith(prefix)})


def tensors(model) -> list[Tensor]:
    """Every entry of the authors' state dict for `model`."""
    return [*head_and_tail(model), *body(model)]


def head_and_tail(model) -> list[Tensor]:
    """The entries before and behind the body, which RCAN, HAN and SAN share."""
    table = [
        *convolution("sub_mean", model.get_layer("subtract_mean")),
        *convolution("head.0", model.get_layer("head")),
        *convolution("tail.1", model.get_layer("tail")),
        *convolution("add_mean", model.get_layer("restored")),
    ]
    upsampling = model.get_layer("upsampling")
    for step, (widen, shuffle) in enumerate(zip(upsampling.widen, upsampling.shuffle, strict=True)):
        order = shuffled_channels(model.arguments["filters"], shuffle.scale)
        table += convolution(f"tail.0.{2 * step}", widen, order)
    return table


def body(model) -> list[Tensor]:
    """The residual groups and the convolution behind them, which RCAN and HAN share."""
    groups = model.arguments["groups"]
    table = convolution(f"body.{groups}", model.get_layer("body_last"))
    for g in range(groups):
        group = model.get_layer(f"group_{g}")
        for b, block in enumerate(group.blocks):
            prefix = f"body.{g}.body.{b}.body"
            table += convolution(f"{prefix}.0", block.first)
            table += convolution(f"{prefix}.2", block.second)
            table += dense(f"{prefix}.3.conv_du.0", block.channel.squeeze)
            table += dense(f"{prefix}.3.conv_du.2", block.channel.excite)
        table += convolution(f"body.{g}.body.{len(group.blocks)}", group.last)
    return table
