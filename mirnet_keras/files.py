"""Files that are written completely or not at all."""

import os
import uuid
from collections.abc import Callable
from pathlib import Path


def write_whole(path: str | os.PathLike, write: Callable[[Path], object]) -> None:
    """Calls `write` with a temporary path, then renames what it wrote to `path`.

    Readers see the old file until then; when `write` fails, it stays as it was.

    Args:
        path: of the file; an older one is replaced.
        write: writes to the path it is given, which lies in the same folder and ends alike.
    """
    path = Path(path)
    temporary = path.with_name(f".{uuid.uuid4().hex}.{path.name}")
    try:
        write(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
