"""Files that are written completely or not at all."""

import os
import re
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path

TEMPORARY = re.compile(r"\.[0-9a-f]{32}\.(.+)", re.DOTALL)


def write_whole(
    path: str | os.PathLike, write: Callable[[Path], object], older: Path | None = None
) -> None:
    """Calls `write` with a temporary path, then renames what it wrote to `path`.

    Readers see the old file until then; when `write` fails, it stays as it was. The new file is on
    the disk before it gets its name, so that losing power leaves one of both.

    Args:
        path: of the file; an older one is replaced.
        write: writes to the path it is given, which lies in the same folder and ends alike.
        older: where a file that is replaced is kept; None: not at all.

    Raises:
        OSError: when the file cannot be written; its `filename` is `path`.
    """
    path = Path(path)
    temporary = path.with_name(f".{uuid.uuid4().hex}.{path.name}")
    try:
        write(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        if older is not None and path.exists():
            os.replace(path, older)
        os.replace(temporary, path)
    except OSError as error:
        _name(error, temporary, path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def _name(error: OSError, temporary: Path, path: Path) -> None:
    """Puts the path that was wanted into an error that names the temporary one, or none."""
    named = [error.filename, error.filename2]
    if error.errno is not None and (named[0] is None or str(temporary) in map(str, named)):
        error.filename, error.filename2 = str(path), None


def remove_leftovers(paths: Iterable[Path]) -> None:
    """Removes the temporary files that `write_whole` left when it was killed.

    Args:
        paths: of the files that were to be written, and that nobody else is writing now.
    """
    names: dict[Path, set[str]] = {}
    for path in paths:
        names.setdefault(path.parent, set()).add(path.name)
    for folder, wanted in names.items():
        for file in folder.iterdir() if folder.is_dir() else ():
            match = TEMPORARY.fullmatch(file.name)
            if match and match[1] in wanted:
                file.unlink()
