"""What a benchmark result must say: machine, versions, commit, and the peak of the same run."""

import os
import pathlib
import platform
import subprocess
import time
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf


def describe() -> dict:
    """Processor, cores, versions and commit."""
    flags = pathlib.Path("/proc/cpuinfo")
    text = flags.read_text() if flags.exists() else ""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return {
        "processor": next(
            (line.split(":")[1].strip() for line in text.splitlines() if "model name" in line),
            platform.processor(),
        ),
        "cores": len(os.sched_getaffinity(0)),
        "amx_bf16": "amx_bf16" in text,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "python": platform.python_version(),
        "commit": commit.stdout.strip(),
    }


PEAK_PRODUCTS = 180 * 320 * 9 * 64 * 64  # multiply-adds of `peak_convolution`


def peak(dtype: str, repeats: int = 15) -> float:
    """Tera floating-point operations a second of `peak_convolution`."""
    seconds = median_seconds({"peak": peak_convolution(dtype)}, repeats)["peak"]
    return 2 * PEAK_PRODUCTS / seconds / 1e12


def peak_convolution(dtype: str) -> Callable:
    """A 3 x 3 convolution, 64 channels, 180 x 320: about the best that the processor can do."""
    image = tf.cast(np.random.default_rng(0).random((1, 180, 320, 64)), dtype)
    kernel = tf.cast(np.random.default_rng(1).random((3, 3, 64, 64)), dtype)
    convolve = tf.function(lambda x: tf.nn.conv2d(x, kernel, 1, "SAME"), autograph=False)
    return lambda: convolve(image)


def median_seconds(variants: dict, repeats: int) -> dict[str, float]:
    """Median time of each variant, called in turn so that all see the same machine."""
    times: dict[str, list[float]] = {name: [] for name in variants}
    for call in variants.values():
        call()
        call()
    for _ in range(repeats):
        for name, call in variants.items():
            start = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - start)
    return {name: float(np.median(values)) for name, values in times.items()}
