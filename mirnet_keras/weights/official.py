"""The authors' checkpoints into our models, and back."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from mirnet_keras.weights import discriminators
from mirnet_keras.weights.recognition import TABLES, canonical, listed, recognise
from mirnet_keras.weights.state_dict import WeightsError, read_state_dict
from mirnet_keras.weights.tensors import Tensor


def load_official(model: Any, source: str | os.PathLike | Mapping) -> None:
    """Fills `model` with the authors' parameters; all of them or, on an error, none.

    Args:
        model: `RestorationModel` or `Discriminator`.
        source: path of a `.pth`, `.pt` or `.safetensors` file, or a dict of arrays, with the
            authors' names, shapes and layouts. Entries that the network never uses may be there;
            `to_official` gives them back.

    Raises:
        WeightsError: naming keys that are missing, left over or misshapen, tied entries that
            differ, and buffers that hold something else than the network assumes.
    """
    table = _table(model)
    arrays = canonical(model.network, read_state_dict(source), model.arguments)
    problems = _problems(table, arrays)
    if problems:
        accepted = sum(t.key in arrays and arrays[t.key].shape == t.shape for t in table)
        lines = "\n".join(problems)
        raise WeightsError(
            f"These are not the weights of this {model.network} {model.arguments}: "
            f"{accepted} of its {len(table)} entries fit.\n{lines}\nNothing was loaded."
        )
    model.unused_entries = {
        t.key: arrays[t.key]
        for t in table
        if t.variable is None and t.constant is None and t.key in arrays
    }
    for tensor in table:
        if tensor.variable is not None:
            tensor.variable.assign(tensor.to_ours(arrays[tensor.key]))


def from_official(
    source: str | os.PathLike | Mapping,
    *,
    network: str | None = None,
    value_range: tuple[float, float] | None = None,
    **arguments: Any,
) -> Any:
    """The model of an authors' checkpoint, recognised from names and shapes, with its weights.

    Args:
        source: As in `load_official`.
        network: Key of `mirnet_keras.models.MODELS`, where recognition should not decide.
        value_range: (black, white) on the authors' side: (0, 255) or (0, 1). Without it, RCAN,
            HAN and SAN go by the size of their mean shift; MIRNet is 0..1 and AWSRN 0..255.
        **arguments: Arguments of the network that shapes cannot tell.

    Returns:
        A `RestorationModel`, RGB in 0..1 in and out.

    Raises:
        WeightsError: when no known network fits, or the weights do not fit the network.
    """
    arrays = read_state_dict(source)
    found = recognise(arrays, network)
    if value_range is not None:
        arguments |= _white(found, value_range)
    try:
        model = TABLES[found.network].BUILDER(**(found.arguments | arguments))
    except (TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise WeightsError(f"{found.sentence()} Such a network cannot be: {reason}") from None
    load_official(model, arrays)
    return model


def _white(found, value_range) -> dict:
    """The argument that `value_range` stands for, where the network has one."""
    possible = {"awsrn": [(0, 255)], **dict.fromkeys(("han", "rcan", "san"), [(0, 255), (0, 1)])}
    known = possible.get(found.network, [(0, 1)])
    if np.shape(value_range) != (2,) or tuple(value_range) not in known:
        raise WeightsError(
            f"{found.network} cannot have the value range {value_range}: its authors work "
            f"in {' or '.join(map(str, known))}."
        )
    _, white = value_range
    return {"value_range": float(white)} if "value_range" in found.arguments else {}


def to_official(model: Any) -> dict[str, np.ndarray]:
    """The model's parameters under the authors' names, shapes and layouts.

    Tied entries and constant buffers stand under each of their names. Entries that the network
    never uses are those of the checkpoint that was loaded, and zero where there was none.
    """
    arrays = {}
    for tensor in _table(model):
        if tensor.variable is not None:
            arrays[tensor.key] = tensor.to_theirs()
        elif tensor.constant is not None:
            arrays[tensor.key] = np.array(tensor.constant)
        else:
            kept = model.unused_entries.get(tensor.key)
            arrays[tensor.key] = np.zeros(tensor.shape, np.float32) if kept is None else kept
    return arrays


def _table(model) -> list[Tensor]:
    network = getattr(model, "network", None)
    if network in discriminators.TABLES:
        return discriminators.TABLES[network](model)
    if network not in TABLES:
        known = sorted(TABLES.keys() | discriminators.TABLES.keys())
        raise WeightsError(f"The authors' names are known for {known}. Received: {network=}.")
    if model.arguments.get("folded") or model.arguments.get("variant") == "paper":
        raise WeightsError(
            "The authors' names fit the network of their code, not a folded one or the paper's "
            f"variant. Received: {network} {model.arguments}."
        )
    return TABLES[network].tensors(model)


def _problems(table: list[Tensor], arrays: Mapping[str, np.ndarray]) -> list[str]:
    known = {tensor.key: tensor for tensor in table}
    optional = {t.key for t in table if t.variable is None}
    shapes = [
        f"{key}: shape {arrays[key].shape}, expected {tensor.shape}"
        for key, tensor in known.items()
        if key in arrays and arrays[key].shape != tensor.shape
    ]
    problems = listed("missing", known.keys() - arrays.keys() - optional)
    problems += listed("unexpected", arrays.keys() - known.keys())
    problems += listed("misshapen", shapes)
    problems += listed("not finite", (k for k in known if not _is_finite(arrays.get(k))))
    return problems or listed("not as the network assumes", _contradictions(table, arrays))


def _is_finite(array: np.ndarray | None) -> bool:
    return array is None or bool(np.isfinite(array).all())


def _contradictions(table: list[Tensor], arrays: Mapping[str, np.ndarray]) -> list[str]:
    """Tied entries that differ, and buffers with other values than ours are fixed to."""
    first: dict[int, str] = {}
    wrong = []
    for tensor in table:
        if tensor.constant is not None and tensor.key in arrays:
            if not np.allclose(arrays[tensor.key], tensor.constant, atol=1e-6):
                wrong.append(f"{tensor.key} (a constant)")
        elif tensor.variable is not None:
            original = first.setdefault(id(tensor.variable), tensor.key)
            if not np.array_equal(arrays[tensor.key], arrays[original]):
                wrong.append(f"{tensor.key} differs from {original}, with which it is shared")
    return wrong
