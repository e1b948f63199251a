"""Smaller numbers in a float32 LiteRT file: weights alone, or what flows between layers as well.

It works on the finished file with ai-edge-quantizer.
"""

import contextlib
import dataclasses
import io
import re
import warnings
from collections.abc import Iterable, Sequence

import numpy as np

from mirnet_keras.export.report import ExportError
from mirnet_keras.export.serving import SIGNATURE

# Modes, and what each may take from the score on pictures, in dB.
LIMITS = {"float32": 0.001, "float16": 0.02, "dynamic": 0.1, "int8": 0.3, "int16x8": 0.1}
QUANTIZATIONS = tuple(LIMITS)
CALIBRATED = {"int8": 8, "int16x8": 16}  # mode -> bits of what flows between layers
# A range this much smaller than the usual one is dead: its scale would be next to nothing, and
# the CPU delegate refuses such a file.
DEAD, FLOOR = 1e-6, 1e-3  # both as a part of the median range

Ranges = dict[str, dict]  # tensor -> {"min", "max"} over all pictures


@dataclasses.dataclass(frozen=True)
class Quantized:
    """A quantised file.

    Attributes:
        content: of the `.tflite` file.
        dead_ranges: tensors that never changed on the pictures; their range got a floor.
    """

    content: bytes
    dead_ranges: tuple[str, ...] = ()


def quantize(
    content: bytes, mode: str, ranges: Ranges | None = None, in_float: Sequence[str] = ()
) -> Quantized:
    """Quantises a float32 LiteRT file.

    "float16" and "dynamic" store the weights in 16 and 8 bits; "dynamic" also computes in 8 bits,
    with ranges found anew in each run. "int8" and "int16x8" give what goes in and out of
    convolutions fixed ranges, and dense layers 8-bit weights. All else stays float32: attention
    collapses in 8 bits, since a softmax over 1000 positions rounds to 0.

    Args:
        content: of the file, written by this package.
        mode: of `QUANTIZATIONS`, but not "float32".
        ranges: of `find_ranges`, for "int8" and "int16x8".
        in_float: names of layers that stay float32, as in the Keras model.
    """
    recipe = _recipe(mode, in_float)
    floored, dead = _with_floor(ranges or {})
    with quietly():
        quantizer = _quantizer(content, recipe)
        quantized = quantizer.quantize(floored) if ranges else quantizer.quantize()
    return Quantized(bytes(quantized.quantized_model), dead)


def find_ranges(content: bytes, samples: Iterable[dict[str, np.ndarray]]) -> Ranges:
    """Runs a float32 file on pictures and returns the least and the largest value of each tensor.

    Args:
        content: of the file.
        samples: its inputs by name.
    """
    ranges: Ranges = {}
    with quietly():
        quantizer = _quantizer(content, _recipe("int8", ()))
        for sample in samples:  # one by one: over several the library takes a moving average
            found = quantizer.calibrate({SIGNATURE: [sample]}, num_threads=2)
            for name, now in found.items():
                before = ranges.setdefault(name, now)
                ranges[name] = {
                    "min": np.minimum(before["min"], now["min"]),
                    "max": np.maximum(before["max"], now["max"]),
                }
    return ranges


def layer_pattern(name: str) -> str:
    """The regular expression that finds a Keras layer's operations in a LiteRT file.

    Args:
        name: of the layer, or a path such as `group_0/block_1`. Keras numbers the calls of a layer.
    """
    scopes = r"(_\d+)?/".join(re.escape(scope) for scope in name.split("/"))
    return rf"(^|[/;]){scopes}(_\d+)?([/;]|$)"


def require_quantizer() -> None:
    """Raises an ExportError when the package ai-edge-quantizer is missing."""
    try:
        import ai_edge_quantizer  # noqa: F401
    except ImportError:
        raise ExportError(
            "Quantised files need ai-edge-quantizer: pip install '.[export]'."
        ) from None


@contextlib.contextmanager
def quietly():
    """Drops what the library prints of its progress."""
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield


def _quantizer(content: bytes, recipe):
    from ai_edge_quantizer import quantizer

    return quantizer.Quantizer(bytearray(content), recipe)


def _recipe(mode: str, in_float: Sequence[str]):
    from ai_edge_quantizer.algorithm_manager import AlgorithmName
    from ai_edge_quantizer.qtyping import TFLOperationName as Operation
    from ai_edge_quantizer.recipe_manager import RecipeManager

    recipe = RecipeManager()
    if mode == "float16":
        recipe.add_weight_only_config(
            ".*", Operation.ALL_SUPPORTED, num_bits=16, algorithm_key=AlgorithmName.FLOAT_CASTING
        )
    elif mode == "dynamic":
        recipe.add_dynamic_config(".*", Operation.ALL_SUPPORTED, num_bits=8)
    else:
        recipe.add_static_config(
            ".*", Operation.CONV_2D, activation_num_bits=CALIBRATED[mode], weight_num_bits=8
        )
        recipe.add_dynamic_config(".*", Operation.FULLY_CONNECTED, num_bits=8)
    for name in in_float:
        recipe.add_quantization_config(
            layer_pattern(name),
            Operation.ALL_SUPPORTED,
            algorithm_key=AlgorithmName.NO_QUANTIZE,
        )
    return recipe.get_quantization_recipe()


def _with_floor(ranges: Ranges) -> tuple[Ranges, tuple[str, ...]]:
    """Widens dead ranges, and names them."""
    widths = {name: np.max(r["max"]) - np.min(r["min"]) for name, r in ranges.items()}
    usual = np.median(list(widths.values())) if widths else 0.0
    dead = sorted(name for name, width in widths.items() if width <= DEAD * usual)
    widened = {
        name: {"min": ranges[name]["min"], "max": ranges[name]["min"] + FLOOR * usual}
        for name in dead
    }
    return ranges | widened, tuple(dead)
