"""The authors' checkpoints into our models, and back."""

from collections.abc import Mapping

import numpy as np

from mirnet_keras.weights import awsrn, mirnet, mirnet_v2
from mirnet_keras.weights.state_dict import WeightsError, read_state_dict
from mirnet_keras.weights.tensors import Tensor

TABLES = {"mirnet": mirnet, "mirnet_v2": mirnet_v2, "awsrn": awsrn}
SHOWN = 4


def load_official(model, source) -> None:
    """Fills `model` with the authors' parameters; all of them or, on an error, none.

    Args:
        model: `RestorationModel`.
        source: path of a `.pth`, `.pt` or `.safetensors` file, or a dict of arrays, with the
            authors' names, shapes and layouts.

    Raises:
        WeightsError: naming keys that are missing, left over or misshapen, tied entries that
            differ, and buffers that hold something else than the network assumes.
    """
    arrays = _canonical(model.network, read_state_dict(source))
    table = _table(model)
    problems = _problems(table, arrays)
    if problems:
        accepted = sum(t.key in arrays and arrays[t.key].shape == t.shape for t in table)
        lines = "\n".join(problems)
        raise WeightsError(
            f"These are not the weights of this {model.network} {model.arguments}: "
            f"{accepted} of its {len(table)} entries fit.\n{lines}\nNothing was loaded."
        )
    for tensor in table:
        if tensor.variable is not None:
            tensor.variable.assign(tensor.to_ours(arrays[tensor.key]))


def from_official(source, *, network: str | None = None, **arguments):
    """The model of an authors' checkpoint, recognised from names and shapes, with its weights.

    Args:
        source: As in `load_official`.
        network: Key of `mirnet_keras.models.MODELS`, where recognition should not decide.
        **arguments: Arguments of the network that shapes cannot tell.

    Returns:
        A `RestorationModel`, RGB in 0..1 in and out.

    Raises:
        WeightsError: when no known network fits.
    """
    arrays = read_state_dict(source)
    names = [network] if network else list(TABLES)
    for name in names:
        if name not in TABLES:
            raise WeightsError(f"`network` must be one of {sorted(TABLES)}. Received: {name!r}.")
        found = TABLES[name].recognise(_canonical(name, arrays))
        if found is not None:
            model = TABLES[name].build(found | arguments)
            load_official(model, arrays)
            return model
    raise WeightsError(
        f"The checkpoint is of no network known here ({sorted(TABLES)}): its first entries are "
        f"{sorted(arrays)[:SHOWN]}."
    )


def to_official(model) -> dict[str, np.ndarray]:
    """The model's parameters under the authors' names, shapes and layouts.

    Tied entries and constant buffers stand under each of their names; entries that the network
    never uses are left out.
    """
    arrays = {}
    for tensor in _table(model):
        if tensor.variable is not None:
            arrays[tensor.key] = tensor.to_theirs()
        elif tensor.constant is not None:
            arrays[tensor.key] = np.array(tensor.constant)
    return arrays


def _table(model) -> list[Tensor]:
    network = getattr(model, "network", None)
    if network not in TABLES:
        raise WeightsError(
            f"The authors' names are known for {sorted(TABLES)}. Received: network={network!r}."
        )
    return TABLES[network].tensors(model)


def _canonical(network: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    rename = getattr(TABLES[network], "canonical", str)
    return {rename(key): array for key, array in arrays.items()}


def _problems(table: list[Tensor], arrays: Mapping[str, np.ndarray]) -> list[str]:
    known = {tensor.key: tensor for tensor in table}
    optional = {t.key for t in table if t.variable is None}
    shapes = [
        f"{key}: shape {arrays[key].shape}, expected {tensor.shape}"
        for key, tensor in known.items()
        if key in arrays and arrays[key].shape != tensor.shape
    ]
    problems = _listed("missing", known.keys() - arrays.keys() - optional)
    problems += _listed("unexpected", arrays.keys() - known.keys())
    problems += _listed("misshapen", shapes)
    return problems or _listed("not as the network assumes", _contradictions(table, arrays))


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


def _listed(what: str, items) -> list[str]:
    items = sorted(items)
    if not items:
        return []
    more = f" and {len(items) - SHOWN} more" if len(items) > SHOWN else ""
    return [f"{what} ({len(items)}): {'; '.join(items[:SHOWN])}{more}"]
