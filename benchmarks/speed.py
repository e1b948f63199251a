"""Forward passes and training steps of the published networks, as shares of this machine's peak.

    python -m benchmarks.speed [--only RCAN] [--json benchmarks/results/speed.json]

Forward: one picture, folded, fixed size. Training: forward, backward and Adam, as `fit` does. Both
in mixed_bfloat16, one network after the other, each in turn with the peak (bfloat16 convolution,
3 x 3, 64 channels), so that both see the same machine.
"""

import argparse
import json
import pathlib
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from benchmarks.machine import PEAK_PRODUCTS, describe, median_seconds, peak_convolution
from mirnet_keras.models import AWSRN, AWSRN_VARIANTS, HAN, RCAN, SAN, MIRNet, MIRNetV2, fold

# Name: the network, (height, width) of the input, giga multiply-adds of its cheapest exact form.
FORWARD: dict[str, tuple[Callable, tuple[int, int], float]] = {
    "AWSRN-S x4": (lambda: AWSRN(scale=4, **AWSRN_VARIANTS["AWSRN-S"]), (180, 320), 26.4),
    "AWSRN x4": (lambda: AWSRN(scale=4, **AWSRN_VARIANTS["AWSRN"]), (180, 320), 83.7),
    "RCAN x4": (lambda: RCAN(scale=4), (90, 160), 229),
    "HAN x4": (lambda: HAN(scale=4), (90, 160), 236),
    "SAN x4": (lambda: SAN(scale=4), (90, 160), 234),
    "MIRNet": (MIRNet, (256, 256), 479),
    "MIRNetV2": (MIRNetV2, (256, 256), 139),
}
# Name: the network, scale, batch, side of the input, giga multiply-adds of a step.
TRAINING: dict[str, tuple[Callable, int, int, int, float]] = {
    "AWSRN-S x2": (lambda: AWSRN(scale=2, **AWSRN_VARIANTS["AWSRN-S"]), 2, 16, 48, 44),
    "RCAN x2": (lambda: RCAN(scale=2), 2, 4, 48, 423),
    "MIRNet": (MIRNet, 1, 1, 128, 360),
}


def forward(name: str) -> tuple[Callable, float]:
    """The forward pass, and its giga multiply-adds."""
    build, size, products = FORWARD[name]
    model = fold(build())
    image = tf.random.stateless_uniform((1, *size, 3), (0, 1))
    restore = tf.function(lambda x: model(x, training=False), autograph=False)
    return lambda: restore(image).numpy(), products


def training(name: str) -> tuple[Callable, float]:
    """The training step, and its giga multiply-adds."""
    build, scale, batch, side, products = TRAINING[name]
    model = build()
    model.compile(keras.optimizers.Adam(1e-4), "mean_absolute_error", jit_compile=False)
    random = np.random.default_rng(0)
    low = tf.constant(random.random((batch, side, side, 3), np.float32))
    high = tf.constant(random.random((batch, scale * side, scale * side, 3), np.float32))
    return lambda: model.train_on_batch(low, high), products


def measure(name: str, prepare: Callable, repeats: int) -> dict:
    """Milliseconds, and the share of the peak."""
    keras.config.set_dtype_policy("mixed_bfloat16")
    call, products = prepare(name)
    convolve = peak_convolution("bfloat16")

    def at_peak():
        for _ in range(20):
            convolve()

    seconds = median_seconds({name: call, "peak": at_peak}, repeats)
    keras.config.set_dtype_policy("float32")
    keras.utils.clear_session()
    peak = 20 * PEAK_PRODUCTS / seconds["peak"]
    speed = 1e9 * products / seconds[name]
    return {
        "milliseconds": round(1e3 * seconds[name], 1),
        "giga_multiply_adds": products,
        "peak_tflops": round(2 * peak / 1e12, 3),
        "share_of_peak": round(speed / peak, 3),
    }


def main():
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--only", help="part of a name")
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    result: dict = {"command": "python -m benchmarks.speed", "machine": describe()}
    for kind, prepare, names in (
        ("forward", forward, FORWARD),
        ("training", training, TRAINING),
    ):
        result[kind] = {}
        for name in names:
            if options.only is None or options.only in name:
                result[kind][name] = measure(name, prepare, options.repeats)
                print(kind, name, result[kind][name], flush=True)
                if options.json:
                    options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
