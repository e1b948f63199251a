"""How much memory there is, how much was asked for, and whether an error means too little."""

import os
import re
from pathlib import Path

from mirnet_keras.restorer.errors import RestorerError

UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
UNITS |= {"KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}
CGROUPS = (  # limit and use of a container: version 2, version 1
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
    ),
)
UNKNOWN_FREE = 4 * 2**30  # where the system does not say
SIGNS = ("resource_exhausted", "resourceexhausted", "out of memory", "oom when allocating")


def parse_bytes(size: int | str) -> int:
    """Reads a number of bytes.

    Args:
        size: bytes, or text such as "2GB", "1.5 GiB" or "500 MB".

    Raises:
        RestorerError: for what is no positive size.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*", str(size))
    if found and found[2].upper() in UNITS and float(found[1]) > 0:
        return int(float(found[1]) * UNITS[found[2].upper()])
    raise RestorerError(
        f"`memory_budget` is a number of bytes, or text such as '2GB'. Received {size!r}."
    )


def free_memory() -> int:
    """Bytes that this process can still take: of the machine, and of its container's limit."""
    limits = [
        limit - used
        for limit, used in ((_number(a), _number(b)) for a, b in CGROUPS)
        if limit is not None and used is not None
    ]
    return max(0, min([_available(), *limits]))


def lacks_memory(error: BaseException) -> bool:
    """Whether an error of numpy, TensorFlow, JAX or LiteRT means that memory was missing."""
    text = f"{type(error).__name__} {error}".lower()
    return isinstance(error, MemoryError) or any(sign in text for sign in SIGNS)


def _available() -> int:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:  # not Linux
        return _half_of_all()
    values = dict(line.split(":") for line in lines if ":" in line)
    return int(values["MemAvailable"].split()[0]) * 1024


def _half_of_all() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, ValueError):
        return UNKNOWN_FREE


def _number(path: str) -> int | None:
    try:
        return int(Path(path).read_text())
    except (OSError, ValueError):  # no such file, or "max"
        return None
