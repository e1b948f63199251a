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
from mirnet_keras.registration import BACKENDS, BackendError

LIBRARIES = ("keras", "tensorflow", "jax", "numpy", "opencv-python-headless", "ai-edge-litert")
PEAK_SIDE, PEAK_CHANNELS, PEAK_RUNS = 64, 256, 20  # of the convolution that is timed
KINDS = ("cpu", "gpu", "tpu")  # of devices, as Keras names them


class DeviceError(ValueError):
    """There is no such device; the message says which there are."""


def start_keras(threads: int | None = None) -> None:
    """Imports Keras and starts its backend, without their messages.

    Args:
        threads: processor threads that TensorFlow computes with; None: as many as there are cores.

    Raises:
        BackendError: for a backend that is not there, or under which the networks do not work.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if threads is not None:
        os.environ["TF_NUM_INTRAOP_THREADS"] = str(threads)
    # TensorFlow 2.21 writes some messages before it looks at its log level, and others as errors
    # where there is merely no GPU.
    with silent_stderr():
        import keras

        check_backend()
        keras.distribution.list_devices()
    logging.getLogger("tensorflow").setLevel(logging.ERROR)


def check_backend() -> None:
    """Raise where Keras runs on a backend under which the networks are not tested.

    Raises:
        BackendError: naming the backend and those to take instead.
    """
    import keras

    backend = keras.backend.backend()
    if backend not in BACKENDS:
        raise BackendError(
            f"The networks do not work on Keras' backend {backend}. Set the environment variable "
            f"KERAS_BACKEND to {' or '.join(BACKENDS)} before Keras is imported."
        )


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


def device_name(text: str) -> str:
    """The full name of a device that is there, such as "gpu:0".

    Args:
        text: "cpu", "gpu" (the first one) or "gpu:1", in any case.

    Raises:
        DeviceError: where there is none of this name.
    """
    name = text.lower() if ":" in text else f"{text.lower()}:0"
    there = _devices()
    if name not in there:
        raise DeviceError(
            f"There is no device '{text}' for {_backend()} on this machine. There are: "
            f"{', '.join(there)}. Name one of them."
        )
    return name


def _devices() -> list[str]:
    """All that the backend can compute on; Keras alone would leave out the processor."""
    import keras

    found: list[str] = []
    for kind in KINDS:
        with contextlib.suppress(RuntimeError):  # so says JAX of a kind that is not there
            found += keras.distribution.list_devices(kind)
    return [name.lower() for name in found]


def _backend() -> str:
    import keras

    return {"tensorflow": "TensorFlow", "jax": "JAX"}.get(keras.backend.backend(), "Keras")


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


def lacks_bfloat16() -> bool:
    """Whether bfloat16 is much slower here than float32: an x86 processor without AVX-512, alone.

    A training step then takes 15 times as long as in float32. False where that is not known.
    """
    import keras

    flags = _processor_flags()
    only_processor = all("cpu" in device.lower() for device in keras.distribution.list_devices())
    return only_processor and "sse2" in flags and "avx512f" not in flags


def _has_amx() -> bool | None:
    """Whether the processor has Intel's matrix unit, which bfloat16 needs to be fast."""
    flags = _processor_flags()
    return "amx_bf16" in flags if flags else None


def _processor_flags() -> set[str]:
    """What the processor can do; nothing where the system does not say, as only Linux does."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return set()
    return set(next((line for line in lines if line.startswith("flags")), "").split())
