"""RCAN under the authors' names, and what its relatives share with it."""

import collections
import re
from collections.abc import Mapping

import numpy as np

from mirnet_keras.layers.mean_shift import MEAN_COLOUR
from mirnet_keras.models import RCAN
from mirnet_keras.weights.tensors import Tensor, convolution, dense, shuffled_channels

BUILDER = RCAN
ASSUMED = ("value_range",)  # told by the size of the mean shift, not by a shape
SMALLEST = {"groups": 1, "blocks": 1, "filters": 8, "reduction": 4}

# BasicSR's names -> the authors'. The number of the convolution behind the groups follows.
RENAMED = (
    (r"^conv_first\.", "head.0."),
    (
        r"^body\.(\d+)\.residual_group\.(\d+)\.rcab\.3\.attention\.1\.",
        r"body.\1.body.\2.body.3.conv_du.0.",
    ),
    (
        r"^body\.(\d+)\.residual_group\.(\d+)\.rcab\.3\.attention\.3\.",
        r"body.\1.body.\2.body.3.conv_du.2.",
    ),
    (r"^body\.(\d+)\.residual_group\.(\d+)\.rcab\.", r"body.\1.body.\2.body."),
    (r"^upsample\.", "tail.0."),
    (r"^conv_last\.", "tail.1."),
)


# What one wrong or missing entry must not decide is read from all entries of its kind.


def complete(arrays: Mapping[str, np.ndarray], arguments: Mapping) -> dict[str, np.ndarray]:
    """Give BasicSR's entries the authors' names, and add the mean shift, which it does not store.

    Args:
        arrays: Under either's names.
        arguments: Of the model to fill, for its `value_range`; 255 where there is none.
    """
    if not any(".residual_group." in key for key in arrays):
        return dict(arrays)
    blocks = len({key.split(".")[3] for key in arrays if ".residual_group." in key})
    groups = count(arrays, "body.")
    renamed = {_authors_name(key, groups, blocks): array for key, array in arrays.items()}
    shift = np.float32(arguments.get("value_range", 255.0)) * np.array(MEAN_COLOUR, np.float32)
    matrix = np.eye(3, dtype=np.float32)[..., None, None]
    return renamed | {
        "sub_mean.weight": matrix,
        "sub_mean.bias": -shift,
        "add_mean.weight": matrix,
        "add_mean.bias": shift,
    }


def _authors_name(key: str, groups: int, blocks: int) -> str:
    for pattern, name in RENAMED:
        key = re.sub(pattern, name, key)
    key = re.sub(r"^body\.(\d+)\.conv\.", rf"body.\1.body.{blocks}.", key)
    return re.sub(r"^conv_after_body\.", f"body.{groups}.", key)


def recognise(arrays: Mapping[str, np.ndarray]) -> dict | None:
    """The arguments of `RCAN` that fit the state dict, or None."""
    if not has_residual_groups(arrays) or any(key.startswith(("la.", "csa.")) for key in arrays):
        return None
    return residual_groups(arrays) | ends(arrays)


def has_residual_groups(arrays: Mapping[str, np.ndarray]) -> bool:
    """Whether these are RCAN's groups of channel attention blocks."""
    return any(re.match(r"body\.\d+\.body\.\d+\.body\.3\.conv_du\.", key) for key in arrays)


def residual_groups(arrays: Mapping[str, np.ndarray]) -> dict:
    """What the names and shapes of the residual groups tell."""
    return {
        "groups": count(arrays, "body.") - 1,
        "blocks": count(arrays, "body.0.body.") - 1,
        "reduction": features(arrays) // hidden(arrays),
    }


def ends(arrays: Mapping[str, np.ndarray]) -> dict:
    """What the head, the tail and the mean shift tell."""
    filters = features(arrays)
    shapes = [arrays[key].shape for key in ("tail.0.0.weight", "tail.0.0.bias") if key in arrays]
    scale = 3 if any(9 * filters in shape for shape in shapes) else 2 ** count(arrays, "tail.0.")
    shifts = [arrays[key] for key in ("add_mean.bias", "sub_mean.bias") if key in arrays]
    is_small = any(np.abs(shift).max() <= 1 for shift in shifts)
    return {"scale": scale, "filters": filters, "value_range": 1.0 if is_small else 255.0}


def hidden(arrays: Mapping[str, np.ndarray]) -> int:
    """The width of the hidden layer of most attention units."""
    widths = [
        array.shape[0]
        for key, array in arrays.items()
        if key.endswith("conv_du.0.bias") and not key.startswith("non_local.")
    ]
    return collections.Counter(widths).most_common(1)[0][0]


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
