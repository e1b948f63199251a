"""RRDBNet under the names of BasicSR, of the ESRGAN repository, and of older checkpoints."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from mirnet_keras.layers import link_table
from mirnet_keras.models import RRDBNet
from mirnet_keras.models.rrdbnet import NETWORK_SCALE
from mirnet_keras.weights.rcan import count
from mirnet_keras.weights.state_dict import WeightsError
from mirnet_keras.weights.tensors import Tensor, convolution, convolution_on_unshuffled

BUILDER = RRDBNet
ASSUMED = ()
SMALLEST = {"filters": 4, "blocks": 1, "growth": 2}
DOUBLINGS = 2  # convolutions behind nearest-neighbour enlargement

# The ESRGAN repository's and the oldest names -> BasicSR's.
RENAMED = (
    (r"^RRDB_trunk\.(\d+)\.RDB(\d)\.", r"body.\1.rdb\2."),
    (r"^trunk_conv\.", "conv_body."),
    (r"^upconv(\d)\.", r"conv_up\1."),
    (r"^HRconv\.", "conv_hr."),
    (r"^model\.0\.", "conv_first."),
    (r"^model\.1\.sub\.(\d+)\.RDB(\d)\.(conv\d)\.0\.", r"body.\1.rdb\2.\3."),
    (r"^model\.1\.sub\.\d+\.(weight|bias)$", r"conv_body.\1"),
    (r"^model\.3\.", "conv_up1."),
    (r"^model\.6\.", "conv_up2."),
    (r"^model\.8\.", "conv_hr."),
    (r"^model\.10\.", "conv_last."),
)
BEHIND_THE_BLOCKS = {
    "conv_body": "trunk",
    "conv_up1": "enlarge_1",
    "conv_up2": "enlarge_2",
    "conv_hr": "full_size",
    "conv_last": "last",
}


def canonical(key: str) -> str:
    """BasicSR's name of an entry."""
    for pattern, name in RENAMED:
        key = re.sub(pattern, name, key)
    return key


def recognise(arrays: Mapping[str, np.ndarray]) -> dict | None:
    """The arguments of `RRDBNet` that fit the state dict, or None."""
    found = trunk(arrays)
    if found is None or any(key.startswith("spsa.") for key in arrays):
        return None
    return found if links_that_fit(arrays, found) == "dense" else None


def trunk(arrays: Mapping[str, np.ndarray]) -> dict | None:
    """Scale, widths and number of blocks, or None where there are no such blocks.

    Raises:
        WeightsError: when the network doubles the size more or less often than twice.
    """
    first = arrays.get("body.0.rdb1.conv1.weight")
    head = arrays.get("conv_first.weight")
    if first is None or head is None:
        return None
    growth, filters = first.shape[:2]
    doublings = _doublings(arrays)
    if doublings != DOUBLINGS:
        raise WeightsError(
            f"The checkpoint is of an RRDBNet that doubles the size {doublings} times "
            f"(x{2**doublings}). Known here is the one that doubles it twice: x4, or x2 and x1 "
            "with its input folded into 12 and 48 channels. Nothing was loaded."
        )
    folded = {12: 2, 48: 1, 4: 2, 16: 1}  # RGB, then grey, which loading refuses by its shapes
    blocks = {key.split(".")[1] for key in arrays if key.startswith("body.")}
    return {
        "scale": folded.get(head.shape[1], NETWORK_SCALE),
        "filters": filters,
        "blocks": len(blocks),
        "growth": growth,
    }


def _doublings(arrays: Mapping[str, np.ndarray]) -> int:
    """How often the network doubles the size; the oldest names number all of its layers."""
    places = [re.match(r"model\.(\d+)\.", key) for key in arrays]
    numbers = [int(place[1]) for place in places if place]
    return (max(numbers) - 4) // 3 if numbers else count(arrays, "conv_up")


def links_that_fit(arrays: Mapping[str, np.ndarray], found: dict) -> str | None:
    """The named table of links under which the convolutions read as many channels."""
    read = [arrays[f"body.0.rdb1.conv{c}.weight"].shape[1] for c in range(1, 6)]
    widths = (found["filters"], *[found["growth"]] * 4)
    for name in ("dense", "log", "chain"):
        if read == [sum(widths[node] for node in sources) for sources in link_table(name)]:
            return name
    return None


def tensors(model) -> list[Tensor]:
    """Every entry of the authors' state dict for `model`, in their order."""
    folded = NETWORK_SCALE // model.scale
    table = convolution_on_unshuffled("conv_first", model.get_layer("first"), folded)
    for b in range(model.arguments["blocks"]):
        table += residual_in_residual(f"body.{b}.", model.get_layer(f"block_{b}"))
    for theirs, ours in BEHIND_THE_BLOCKS.items():
        table += convolution(theirs, model.get_layer(ours))
    return table


def residual_in_residual(prefix: str, layer) -> list[Tensor]:
    """One residual-in-residual block."""
    table: list[Tensor] = []
    for r, block in enumerate(layer.blocks, start=1):
        for c, convolutional in enumerate(block.convolutions, start=1):
            table += convolution(f"{prefix}rdb{r}.conv{c}", convolutional)
    return table


def rrsb_from_rrdb(arrays: Mapping[str, np.ndarray], links: Any) -> dict[str, np.ndarray]:
    """A dense network's parameters with only the inputs that a table of links keeps.

    So a sparse network starts from ESRGAN's weights. With `links="dense"` the identity.

    Args:
        arrays: A state dict of `RRDBNet`, under any of its three names.
        links: As in `layers.link_table`.

    Returns:
        The state dict of the sparse network under BasicSR's names.
    """
    table = link_table(links)
    renamed = {canonical(key): array for key, array in arrays.items()}
    growth, filters = renamed["body.0.rdb1.conv1.weight"].shape[:2]
    for key, array in renamed.items():
        match = re.match(r"body\.\d+\.rdb\d\.conv(\d)\.weight", key)
        if match:
            kept = table[int(match[1]) - 1]
            renamed[key] = np.concatenate([_read(array, n, filters, growth) for n in kept], axis=1)
    return renamed


def _read(kernel: np.ndarray, node: int, filters: int, growth: int) -> np.ndarray:
    """The slice of a dense kernel that reads a node."""
    start = 0 if node == 0 else filters + (node - 1) * growth
    return kernel[:, start : start + (filters if node == 0 else growth)]
