"""What machine this is, which versions run on it, and a quiet start of Keras."""

import contextlib
import importlib.metadata
import logging
import os
import platform
import time
from collections.abc import Iterator
from pathlib import Path

from mirnet_keras import __version__

LIBRARIES = ("keras", "tensorflow", "jax", "numpy", "opencv-python-headless", "ai-edge-litert")
PEAK_SIDE, PEAK_CHANNELS, PEAK_RUNS = 64, 256, 20  # of the convolution that is timed


def start_keras() -> None:
    """Imports Keras and starts its backend, without their messages."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # TensorFlow 2.21 writes some messages before it looks at its log level, and others as errors
    # where there is merely no GPU.
    with silent_stderr():
        import keras

        keras.distribution.list_devices()
    logging.getLogger("tensorflow").setLevel(logging.ERROR)


@contextlib.contextmanager
def silent_stderr() -> Iterator[None]:
    """Sends what native code writes to stderr nowhere; exceptions pass."""
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def describe_machine() -> dict[str, object]:
    """Versions, backend and devices; None is what is not there or not known."""
    import keras

    return {
        "mirnet_keras": __version__,
        "python": platform.python_version(),
        **{name: _version(name) for name in LIBRARIES},
        "backend": keras.backend.backend(),
        "devices": ", ".join(keras.distribution.list_devices()),
        "cores": os.cpu_count(),
        "amx_bf16": _has_amx(),
    }


def peak_gflops(dtype: str) -> int:
    """The best GFLOP/s of a 3 x 3 convolution of many channels, the memory traffic included."""
    from keras import ops

    image = ops.ones((1, PEAK_SIDE, PEAK_SIDE, PEAK_CHANNELS), dtype)
    kernel = ops.ones((3, 3, PEAK_CHANNELS, PEAK_CHANNELS), dtype)
    seconds = []
    for _ in range(PEAK_RUNS):
        start = time.perf_counter()
        result = ops.conv(image, kernel, padding="same")
        ops.convert_to_numpy(result[0, 0, 0, :1])  # waits until it is done
        seconds.append(time.perf_counter() - start)
    operations = 2 * 9 * PEAK_SIDE**2 * PEAK_CHANNELS**2
    return round(operations / min(seconds) / 1e9)


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _has_amx() -> bool | None:
    """Whether the processor has Intel's matrix unit, which bfloat16 needs to be fast."""
    try:
        return "amx_bf16" in Path("/proc/cpuinfo").read_text()
    except OSError:  # only Linux says so here
        return None
