"""How much memory there is, how much was asked for, and whether an error means too little."""

import os
import re
from pathlib import Path

from mirnet_keras.restorer.errors import RestorerError

UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
UNITS |= {"KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}
CGROUPS = (  # of a container, version 2 and 1: folder, limit, use, and what of it can be dropped
    ("/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
    (
        "/sys/fs/cgroup/memory",
        "memory.limit_in_bytes",
        "memory.usage_in_bytes",
        "total_inactive_file",
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
    limits = [free for group in CGROUPS if (free := _free_in_container(*group)) is not None]
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


def _free_in_container(folder: str, limit: str, used: str, droppable: str) -> int | None:
    """Bytes up to a container's limit; what was read of files does not count as used."""
    place = Path(folder)
    try:
        free = int((place / limit).read_text()) - int((place / used).read_text())
        lines = (place / "memory.stat").read_text().splitlines()
        return free + sum(int(line.split()[1]) for line in lines if line.split()[0] == droppable)
    except (OSError, ValueError):  # no such file, or "max"
        return None
