"""Training steps in mixed_bfloat16 against float32.

    python -m benchmarks.training_step [--json benchmarks/results/training_step.json]

AWSRN-S at scale 2 (batch 16, 48 x 48 inputs) and `mirnet_lowlight_small` (batch 2, 240 x 240). All
four run in turn in one process: read the ratios, not the milliseconds.
"""

import argparse
import json
import pathlib
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from benchmarks.machine import describe, median_seconds, peak
from mirnet_keras.models import AWSRN, AWSRN_VARIANTS, RestorationModel
from mirnet_keras.recipes import load_recipe
from mirnet_keras.training.fitting import build

POLICIES = ("float32", "mixed_bfloat16")


def awsrn_s() -> RestorationModel:
    """AWSRN-S at scale 2."""
    return AWSRN(scale=2, **AWSRN_VARIANTS["AWSRN-S"])


def low_light() -> RestorationModel:
    """The network of the preset."""
    return build(load_recipe("mirnet_lowlight_small"))


NETWORKS: dict[str, tuple[Callable[[], RestorationModel], int, int]] = {
    "AWSRN-S x2": (awsrn_s, 16, 48),
    "mirnet_lowlight_small": (low_light, 2, 240),
}


def step(name: str, policy: str) -> Callable:
    """A function that trains one step, as `fit` does."""
    network, batch, side = NETWORKS[name]
    keras.config.set_dtype_policy(policy)
    model = network()
    model.compile(keras.optimizers.Adam(1e-3), "mean_absolute_error", jit_compile=False)
    random = np.random.default_rng(0)
    low = tf.constant(random.random((batch, side, side, 3), np.float32))
    high = tf.constant(random.random((batch, *(model.scale * side,) * 2, 3), np.float32))
    return lambda: model.train_on_batch(low, high)


def main():
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--repeats", type=int, default=20)
    options = parser.parse_args()
    steps = {(name, policy): step(name, policy) for name in NETWORKS for policy in POLICIES}
    seconds = median_seconds(steps, options.repeats)
    milliseconds = {
        name: {policy: round(1e3 * seconds[name, policy], 1) for policy in POLICIES}
        for name in NETWORKS
    }
    result = {
        "command": "python -m benchmarks.training_step",
        "machine": describe(),
        "peak_tflops": {dtype: peak(dtype) for dtype in ("float32", "bfloat16")},
        "milliseconds": milliseconds,
        "speed_up": {
            name: round(found["float32"] / found["mixed_bfloat16"], 2)
            for name, found in milliseconds.items()
        },
    }
    print(json.dumps(result, indent=2))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
