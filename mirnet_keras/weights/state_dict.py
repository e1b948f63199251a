"""Reading the authors' checkpoints without running anything in them."""

import os
import pathlib
import warnings
from collections.abc import Mapping

import numpy as np


class WeightsError(ValueError):
    """What is wrong with a checkpoint, in a few lines."""


# Entries that hold the network in published files and those of trainers; averaged weights first.
WRAPPERS = (
    "params_ema",
    "model_ema",
    "ema",
    "params",
    "state_dict",
    "model_state_dict",
    "model_state",
    "state_dict_G",
    "generator",
    "netG",
    "net_g",
    "network",
    "model",
    "net",
    "module",
)
# Attributes that hold the network in trainers and Lightning modules; averaged weights first.
HOLDERS = (
    "ema_model",
    "model_ema",
    "net_g_ema",
    "ema",
    "generator",
    "netG",
    "net_g",
    "network_g",
    "G",
    "network",
    "model",
    "net",
)
# Modules put around others, at any depth, by DataParallel, torch.compile and FSDP.
TRANSPARENT = ("module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")
# Newer PyTorch's names of weight and spectral normalisation -> the older ones.
OLDER_NAMES = {
    ".parametrizations.weight.original0": ".weight_g",
    ".parametrizations.weight.original1": ".weight_v",
    ".parametrizations.weight.original": ".weight_orig",
    ".parametrizations.weight.0._u": ".weight_u",
    ".parametrizations.weight.0._v": ".weight_v",
}
LEFTOVERS = ("total_ops", "total_params")  # what profilers add to each layer


def read_state_dict(source: str | os.PathLike | Mapping) -> dict[str, np.ndarray]:
    """The authors' names and arrays from a `.pth`, `.pt` or `.safetensors` file, or a dict.

    What trainers and wrappers add is taken off: entries around the network (`WRAPPERS`, or the only
    one that holds weights), prefixes of its names (`HOLDERS`, `TRANSPARENT`), and what profilers
    leave (`LEFTOVERS`). Of a trainer's other networks nothing is kept.

    Raises:
        WeightsError: when the file cannot be read safely, or holds no arrays.
        FileNotFoundError: when there is no such file.
    """
    if isinstance(source, Mapping):
        content, where = dict(source), "the dictionary"
    else:
        path = pathlib.Path(source)
        if not path.is_file():
            raise FileNotFoundError(f"There is no checkpoint {path}.")
        content, where = _read_file(path), str(path)
    content = _unwrapped(content)
    entries = {
        _plain_name(str(key)): value
        for key, value in content.items()
        if hasattr(value, "shape") and str(key).split(".")[-1] not in LEFTOVERS
    }
    if not entries:
        raise WeightsError(
            f"{where} holds no weights: its entries are {sorted(map(str, content))[:8]}."
        )
    return {key: _as_array(key, value) for key, value in _held(entries).items()}


def _unwrapped(content: dict) -> dict:
    """Return the innermost entry that holds the network."""
    for wrapper in WRAPPERS:
        if isinstance(content.get(wrapper), Mapping):
            return _unwrapped(dict(content[wrapper]))
    if any(hasattr(value, "shape") for value in content.values()):
        return content
    inner = [_unwrapped(dict(value)) for value in content.values() if isinstance(value, Mapping)]
    holding = [entry for entry in inner if any(hasattr(v, "shape") for v in entry.values())]
    return holding[0] if len(holding) == 1 else content


def _plain_name(key: str) -> str:
    """Return a name without wrapping modules, normalisations under their older names."""
    key = ".".join(part for part in key.split(".") if part not in TRANSPARENT)
    for newer, older in OLDER_NAMES.items():
        if key.endswith(newer):
            return key.removesuffix(newer) + older
    return key


def _held(entries: dict) -> dict:
    """Return the entries of the network alone, without the attribute that holds it.

    A number behind the attribute is of a network that names its own layers so.
    """
    for holder in HOLDERS:
        prefix = f"{holder}."
        held = {k.removeprefix(prefix): v for k, v in entries.items() if k.startswith(prefix)}
        if held and not any(key.split(".")[0].isdigit() for key in held):
            return _held(held)
    return entries


def _read_file(path: pathlib.Path) -> dict:
    if path.suffix == ".safetensors":
        import ml_dtypes  # noqa: F401, teaches NumPy bfloat16
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            return load_file(path)
        except (SafetensorError, OSError) as error:
            raise WeightsError(f"{path} is damaged or not a safetensors file: {error}.") from None
        except (AttributeError, TypeError) as error:  # NumPy has no such type
            raise WeightsError(
                f"{path} holds numbers of a kind that is not read here, such as FP8 ({error}). "
                "Take the file in float32, float16 or bfloat16."
            ) from None
    if path.suffix in (".pth", ".pt"):
        return _read_torch(path)
    raise WeightsError(
        f"{path} is not a checkpoint this package reads. Known: .pth, .pt and .safetensors."
    )


def _read_torch(path: pathlib.Path) -> dict:
    try:
        import torch
    except ImportError:
        raise WeightsError(
            f"Reading {path.name} needs PyTorch: pip install '.[convert]'."
        ) from None
    try:
        with warnings.catch_warnings(action="ignore"):  # of kinds of tensors that are refused here
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds, among them for refused code
        raise WeightsError(
            f"{path} cannot be read safely; it is damaged, or more than plain weights "
            f"({type(error).__name__}). Nothing in it was run."
        ) from None
    if not isinstance(content, Mapping):
        raise WeightsError(f"{path} holds a {type(content).__name__}, not named weights.")
    return dict(content)


def _as_array(key, value) -> np.ndarray:
    try:
        if hasattr(value, "is_floating_point") and value.is_floating_point():
            value = value.float()  # PyTorch's; its bfloat16 NumPy does not take
        array = value.detach().cpu().numpy() if hasattr(value, "detach") else np.asarray(value)
        if np.iscomplexobj(array):
            raise TypeError("it holds complex numbers")
        return array.astype(np.float32)
    except (TypeError, ValueError, RuntimeError) as error:  # sparse, or without content
        reason = str(error).splitlines()[0]
        raise WeightsError(f"{key} is no plain array of real numbers: {reason}") from None
