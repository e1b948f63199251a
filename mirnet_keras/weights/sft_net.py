"""SFTGAN's generator under the authors' names."""

from collections.abc import Mapping

import numpy as np

from mirnet_keras.models import SFT_Net
from mirnet_keras.weights.rcan import count
from mirnet_keras.weights.tensors import Tensor, convolution, shuffled_channels

BUILDER = SFT_Net
ASSUMED = ()
SMALLEST = {"blocks": 1, "filters": 8}
ENLARGING = {"pytorch": (0, 3), "torch": (1, 4)}  # places of the convolutions in HR_branch


def recognise(arrays: Mapping[str, np.ndarray]) -> dict | None:
    """The arguments of `SFT_Net` that fit the state dict, or None."""
    if not any(key.startswith("sft_branch.") for key in arrays):
        return None
    return {
        "variant": "torch" if "HR_branch.4.weight" in arrays else "pytorch",
        "blocks": count(arrays, "sft_branch.") - 2,
        "filters": arrays["conv0.weight"].shape[0],
    }


def tensors(model) -> list[Tensor]:
    """Every entry of the authors' state dict for `model`, in their order."""
    blocks, variant = model.arguments["blocks"], model.arguments["variant"]
    table = convolution("conv0", model.get_layer("head"))
    for b in range(blocks):
        table += block(f"sft_branch.{b}", model.get_layer(f"block_{b}"))
    table += transform(f"sft_branch.{blocks}", model.get_layer("last_transform"))
    table += convolution(f"sft_branch.{blocks + 1}", model.get_layer("body_last"))
    order = shuffled_channels(model.arguments["filters"], 2) if variant == "pytorch" else None
    for step, place in enumerate(ENLARGING[variant]):
        table += convolution(f"HR_branch.{place}", model.get_layer(f"enlarge_{step}"), order)
    table += convolution("HR_branch.6", model.get_layer("full_size"))
    table += convolution("HR_branch.8", model.get_layer("tail"))
    return table + condition_network("CondNet", model.get_layer("condition"))


def block(prefix: str, layer) -> list[Tensor]:
    """A residual block with two feature transforms."""
    return [
        *transform(f"{prefix}.sft0", layer.first_transform),
        *convolution(f"{prefix}.conv0", layer.first),
        *transform(f"{prefix}.sft1", layer.second_transform),
        *convolution(f"{prefix}.conv1", layer.second),
    ]


def transform(prefix: str, layer) -> list[Tensor]:
    """A spatial feature transform."""
    return [
        *convolution(f"{prefix}.SFT_scale_conv0", layer.factor_hidden),
        *convolution(f"{prefix}.SFT_scale_conv1", layer.factor),
        *convolution(f"{prefix}.SFT_shift_conv0", layer.shift_hidden),
        *convolution(f"{prefix}.SFT_shift_conv1", layer.shift),
    ]


def condition_network(prefix: str, layer) -> list[Tensor]:
    """The condition network, whose activations have numbers too."""
    return [
        tensor
        for index, part in enumerate(layer.convolutions)
        for tensor in convolution(f"{prefix}.{2 * index}", part)
    ]
