"""Which layers 8 bits hurt: one after the other is left in float32, and the picture compared."""

import collections
import dataclasses
import re
from collections.abc import Callable, Sequence

MOST_GROUPS = 24  # each takes a quantisation and some pictures: seconds
WORTH_KEEPING = 1.0  # dB of PSNR to the model


@dataclasses.dataclass(frozen=True)
class Sensitivity:
    """What leaving one layer, or group of layers, in float32 gains.

    Attributes:
        name: of the layer or group, as in the Keras model.
        psnr_to_model: dB, with it in float32 and all else quantised.
        gain: dB, over everything quantised.
    """

    name: str
    psnr_to_model: float
    gain: float


def choose_in_float(
    tensors: Sequence[str], psnr: Callable[[Sequence[str]], float]
) -> tuple[list[str], str]:
    """Finds the layers that are worth keeping in float32: those that gain 1 dB by themselves.

    Args:
        tensors: names in the file that the candidates give.
        psnr: gives the PSNR to the model, in dB, with the given layers in float32.

    Returns:
        Their names, most sensitive first, and the table of all.
    """
    found = sensitivities(layer_groups(tensors), psnr)
    return [s.name for s in found if s.gain >= WORTH_KEEPING], sensitivity_table(found)


def sensitivities(
    names: Sequence[str], psnr: Callable[[Sequence[str]], float]
) -> list[Sensitivity]:
    """Leaves one layer in float32 at a time; most sensitive first.

    Args:
        names: of the layers or groups.
        psnr: gives the PSNR to the model, in dB, with the given layers in float32.
    """
    everything = psnr([])
    found = []
    for name in names:
        value = psnr([name])
        found.append(Sensitivity(name, value, value - everything))
    return sorted(found, key=lambda s: -s.gain)


def sensitivity_table(found: Sequence[Sensitivity]) -> str:
    """The table that people read, a line for each layer."""
    width = max(len(s.name) for s in found)
    lines = [f"{'in float32':{width}}  PSNR to the model    gain"]
    for s in found:
        kept = "  kept" if s.gain >= WORTH_KEEPING else ""
        lines.append(f"{s.name:{width}}  {s.psnr_to_model:14.2f} dB  {s.gain:+6.2f}{kept}")
    return "\n".join(lines)


def layer_groups(tensors: Sequence[str], most: int = MOST_GROUPS) -> list[str]:
    """Names of layers, joined to groups where there are too many.

    Args:
        tensors: names in the file, such as `net_1/group_0_1/block_0_1/first_1/convolution`.
        most: groups.

    Returns:
        Paths of Keras names, such as `group_0/block_0`, as deep as `most` allows, in order.
    """
    paths = [_keras_path(tensor) for tensor in tensors]
    deepest = max(len(path) for path in paths)
    for depth in range(deepest, 0, -1):
        groups = list(collections.OrderedDict.fromkeys("/".join(p[:depth]) for p in paths))
        if len(groups) <= most or depth == 1:
            break
    return groups


def _keras_path(tensor: str) -> list[str]:
    """Names of the layers, from the outermost, that a tensor's name tells.

    The network's own name leads and the operation's ends it; Keras numbers the layers' calls.
    """
    return [re.sub(r"_\d+$", "", scope) for scope in tensor.split(";")[0].split("/")[1:-1]]
