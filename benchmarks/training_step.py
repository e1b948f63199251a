"""Training step of AWSRN-S x2 (batch 16, 48 x 48 inputs): mixed_bfloat16 against float32.

    python -m benchmarks.training_step [--json benchmarks/results/training_step.json]

Both precisions run in turn in one process: read the ratio, not the milliseconds.
"""

import argparse
import json
import pathlib

import keras
import numpy as np
import tensorflow as tf

from benchmarks.machine import describe, median_seconds, peak
from mirnet_keras.models import AWSRN, AWSRN_VARIANTS

BATCH, LOW, SCALE = 16, 48, 2


def step(policy: str):
    """A function that trains one step, as `fit` does."""
    keras.config.set_dtype_policy(policy)
    model = AWSRN(scale=SCALE, **AWSRN_VARIANTS["AWSRN-S"])
    model.compile(keras.optimizers.Adam(1e-3), "mean_absolute_error", jit_compile=False)
    random = np.random.default_rng(0)
    low = tf.constant(random.random((BATCH, LOW, LOW, 3), np.float32))
    high = tf.constant(random.random((BATCH, SCALE * LOW, SCALE * LOW, 3), np.float32))
    return lambda: model.train_on_batch(low, high)


def main():
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--repeats", type=int, default=20)
    options = parser.parse_args()
    policies = ("float32", "mixed_bfloat16")
    seconds = median_seconds({policy: step(policy) for policy in policies}, options.repeats)
    result = {
        "command": "python -m benchmarks.training_step",
        "machine": describe(),
        "peak_tflops": {dtype: peak(dtype) for dtype in ("float32", "bfloat16")},
        "milliseconds": {policy: 1e3 * value for policy, value in seconds.items()},
        "speed_up": seconds["float32"] / seconds["mixed_bfloat16"],
    }
    print(json.dumps(result, indent=2))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
