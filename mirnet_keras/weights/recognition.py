"""Which network a state dict is of, from its names and shapes."""

import dataclasses
import functools
import re
from collections.abc import Mapping

import numpy as np

from mirnet_keras.models import AWSRN_VARIANTS
from mirnet_keras.weights import (
    awsrn,
    han,
    mirnet,
    mirnet_v2,
    outdoor_scene_seg,
    rcan,
    rrdbnet,
    san,
    sft_net,
    spsagan,
)
from mirnet_keras.weights.state_dict import WeightsError

TABLES = {
    "awsrn": awsrn,
    "han": han,
    "mirnet": mirnet,
    "mirnet_v2": mirnet_v2,
    "outdoor_scene_seg": outdoor_scene_seg,
    "rcan": rcan,
    "rrdbnet": rrdbnet,
    "san": san,
    "sft_net": sft_net,
    "spsagan": spsagan,
}


@dataclasses.dataclass(frozen=True)
class Recognised:
    """A network and the arguments that fit a state dict.

    Args:
        network: str. Key of `mirnet_keras.models.MODELS`.
        arguments: dict. All that names and shapes tell, and usual values for the rest.
        assumed: names of the arguments among them that shapes cannot tell.
    """

    network: str
    arguments: dict
    assumed: tuple[str, ...]

    def sentence(self) -> str:
        """What was recognised, in one line."""
        told, assumed = (
            ", ".join(f"{k}={v}" for k, v in self.arguments.items() if (k in self.assumed) is which)
            for which in (False, True)
        )
        rest = f" Shapes cannot tell {assumed}." if assumed else ""
        return f"Recognised {self._variant()}: {told}.{rest}"

    def _variant(self) -> str:
        for name, values in AWSRN_VARIANTS.items():
            if self.network == "awsrn" and values.items() <= self.arguments.items():
                return name
        return TABLES[self.network].BUILDER.__name__


def recognise(arrays: Mapping[str, np.ndarray], network: str | None = None) -> Recognised:
    """The network of a state dict.

    Args:
        arrays: The authors' names and arrays.
        network: Key of `TABLES`, where only that network is looked for.

    Raises:
        WeightsError: when no network fits, naming the nearest.
    """
    if network is not None and network not in TABLES:
        raise WeightsError(f"`network` must be one of {sorted(TABLES)}. Received: {network!r}.")
    for name in [network] if network else TABLES:
        try:
            arguments = TABLES[name].recognise(canonical(name, arrays))
        except WeightsError:  # a reason that holds whatever else fits
            raise
        except (KeyError, ValueError, IndexError, ZeroDivisionError):
            continue  # a name or shape that the network would have is not there
        if arguments is not None:
            return Recognised(name, arguments, tuple(TABLES[name].ASSUMED))
    if network is not None:
        found = recognise(arrays)
        raise WeightsError(f"The checkpoint is no {network}, but a {found.network}.")
    raise WeightsError(_nearest(arrays))


def canonical(
    network: str, arrays: Mapping[str, np.ndarray], arguments: Mapping | None = None
) -> dict[str, np.ndarray]:
    """The arrays under the authors' names, where others' code has other ones or merges some.

    Args:
        network: Key of `TABLES`, or of a discriminator, which has one name for each entry.
        arrays: Names and arrays.
        arguments: Of the model that they are for, where there is one.
    """
    table = TABLES.get(network)
    rename = getattr(table, "canonical", str)
    renamed = {rename(key): array for key, array in arrays.items()}
    complete = getattr(table, "complete", None)
    return complete(renamed, arguments or {}) if complete else renamed


def _nearest(arrays: Mapping[str, np.ndarray]) -> str:
    shared = {}
    for name in TABLES:
        known, found = _kinds(name), {_kind(key) for key in canonical(name, arrays)}
        shared[name] = len(known & found) / len(known | found)
    nearest = max(shared, key=lambda name: shared[name])
    known, found = _kinds(nearest), {_kind(key) for key in canonical(nearest, arrays)}
    lines = [
        f"The checkpoint is of no network known here ({', '.join(sorted(TABLES))}); it has "
        f"{len(arrays)} entries.",
        f"Nearest: {nearest}, with {len(known & found)} of its {len(known)} kinds of name "
        "(# stands for a number).",
        *listed("missing", known - found),
        *listed("unexpected", found - known),
        "Nothing was loaded.",
    ]
    return "\n".join(lines)


def _kind(key: str) -> str:
    return re.sub(r"\d+", "#", key)


@functools.cache
def _kinds(network: str) -> frozenset[str]:
    """The names of a network's entries, numbers left out."""
    table = TABLES[network]
    return frozenset(_kind(t.key) for t in table.tensors(table.BUILDER(**table.SMALLEST)))


SHOWN = 4


def listed(what: str, items) -> list[str]:
    """A line that counts and names `items`, or none."""
    items = sorted(items)
    if not items:
        return []
    more = f" and {len(items) - SHOWN} more" if len(items) > SHOWN else ""
    return [f"{what} ({len(items)}): {'; '.join(items[:SHOWN])}{more}"]
