"""Reading the authors' checkpoints without running anything in them."""

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
# What wrappers of a network put in front of its names: DataParallel, torch.compile, Lightning.
PREFIXES = (
    "module.",
    "_orig_mod.",
    "model.",
    "net.",
    "network.",
    "net_g.",
    "netG.",
    "generator.",
    "state_dict.",
)
LEFTOVERS = ("total_ops", "total_params")  # what profilers add to each layer


def read_state_dict(source) -> dict[str, np.ndarray]:
    """The authors' names and arrays from a `.pth`, `.pt` or `.safetensors` file, or a dict.

    What trainers and wrappers add is taken off: entries around the network (`WRAPPERS`), prefixes
    that all names share (`PREFIXES`), and what profilers leave (`LEFTOVERS`).

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
    arrays = {
        str(key): _as_array(key, value)
        for key, value in content.items()
        if hasattr(value, "shape") and str(key).split(".")[-1] not in LEFTOVERS
    }
    arrays = _older_names(_without_prefixes(arrays))
    if not arrays:
        raise WeightsError(
            f"{where} holds no weights: its entries are {sorted(map(str, content))[:8]}."
        )
    return arrays


def _unwrapped(content: dict) -> dict:
    """Return the innermost entry that holds the network."""
    for wrapper in WRAPPERS:
        if isinstance(content.get(wrapper), Mapping):
            return _unwrapped(dict(content[wrapper]))
    return content


def _without_prefixes(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Take off prefixes that all names share, one after the other."""
    for prefix in PREFIXES:
        if arrays and all(key.startswith(prefix) for key in arrays):
            short = {key.removeprefix(prefix): array for key, array in arrays.items()}
            return _without_prefixes(short)
    return arrays


def _older_names(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Give PyTorch 2's weight normalisation the names of the older one."""
    renamed = {}
    for key, array in arrays.items():
        key = key.replace("parametrizations.weight.original0", "weight_g")
        renamed[key.replace("parametrizations.weight.original1", "weight_v")] = array
    return renamed


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
