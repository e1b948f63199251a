"""What the attention units cost: each as published beside the form used here, and whole networks.

    python -m benchmarks.attention_cost [--json benchmarks/results/attention_cost.json]

All variants of a comparison run in turn in one process: read the ratios. The networks are the
published sizes at scale 4, forward, whole image, mixed_bfloat16, folded.
"""

import argparse
import json
import pathlib

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from benchmarks.machine import describe, median_seconds, peak
from mirnet_keras.layers.channel_spatial_attention import banded_kernel
from mirnet_keras.layers.region_non_local import attention
from mirnet_keras.layers.second_order_channel_attention import (
    channel_covariance,
    square_root,
    square_root_row_mean,
)
from mirnet_keras.models import HAN, RCAN, SAN, fold

PIXELS = (48, 48)  # of the units
LOW = (90, 160)  # of the networks: 640 x 360 out


def random(*shape, dtype="float32"):
    """Features of unit variance."""
    return tf.cast(np.random.default_rng(0).standard_normal(shape), dtype)


def as_function(function, *inputs):
    """`function` of `inputs`, compiled; predictions in the docstrings of what calls it."""
    compiled = tf.function(function, autograph=False)
    return lambda: compiled(*inputs)


def covariance() -> dict:
    """Predicted: the centring matrix costs M / C = 36 times as many products."""
    features = random(1, *PIXELS, 64)
    pixels = PIXELS[0] * PIXELS[1]
    centring = tf.eye(pixels) / pixels - 1 / pixels**2

    def published(x):
        rows = tf.reshape(x, (1, pixels, 64))
        return tf.matmul(rows, tf.matmul(centring, rows), transpose_a=True)

    return {
        "as published (centring matrix)": as_function(published, features),
        "centred first": as_function(channel_covariance, features),
    }


def root() -> dict:
    """Predicted: 9 of 11 matrix products remain."""
    matrices = channel_covariance(random(1, *PIXELS, 64))
    return {
        "mean of the whole root": as_function(lambda x: ops.mean(square_root(x), axis=1), matrices),
        "row mean only": as_function(square_root_row_mean, matrices),
    }


def non_local() -> dict:
    """Predicted: blocks cost nothing where the weights leave the cache anyway."""
    query, key, value = random(1, 9216, 8), random(1, 2304, 8), random(1, 2304, 8)

    def whole(query, key, value):
        return tf.matmul(tf.nn.softmax(tf.matmul(query, key, transpose_b=True)), value)

    return {
        "all queries at once (85 MB of weights)": as_function(whole, query, key, value),
        "blocks of 1024 queries": as_function(attention, query, key, value),
    }


def channel_spatial() -> dict:
    """Predicted: C / 3 times as many products, but on the matrix unit."""
    features = random(1, *LOW, 64, dtype="bfloat16")
    kernel = random(3, 3, 3, 1, 1, dtype="bfloat16")

    def three_dimensional(x):
        volume = tf.transpose(x, (0, 3, 1, 2))[..., None]
        return tf.nn.conv3d(volume, kernel, (1, 1, 1, 1, 1), "SAME")

    return {
        "3-D convolution": as_function(three_dimensional, features),
        "banded 2-D convolution": as_function(
            lambda x: ops.conv(x, banded_kernel(kernel, 64), padding="same"), features
        ),
    }


def networks() -> dict:
    """Predicted: SAN about RCAN (no attention inside its blocks); HAN a tenth more."""
    image = random(1, *LOW, 3) * 0.1 + 0.5
    keras.config.set_dtype_policy("mixed_bfloat16")
    models = {builder.__name__: fold(builder(scale=4)) for builder in (RCAN, HAN, SAN)}
    keras.config.set_dtype_policy("float32")
    return {
        name: as_function(lambda x, model=model: model(x, training=False), image)
        for name, model in models.items()
    }


def main():
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    comparisons = {}
    for make, repeats in [
        (covariance, 20),
        (root, 50),
        (non_local, 10),
        (channel_spatial, 20),
        (networks, 5),
    ]:
        seconds = median_seconds(make(), repeats)
        first = next(iter(seconds.values()))
        comparisons[make.__name__] = {
            "prediction": make.__doc__.removeprefix("Predicted: "),
            "milliseconds": {name: 1e3 * value for name, value in seconds.items()},
            "ratio_to_first": {name: value / first for name, value in seconds.items()},
        }
        print(make.__name__, json.dumps(comparisons[make.__name__], indent=2), flush=True)
    result = {
        "command": "python -m benchmarks.attention_cost",
        "machine": describe(),
        "peak_tflops": {dtype: peak(dtype) for dtype in ("float32", "bfloat16")},
        "comparisons": comparisons,
    }
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
