"""Files that are written completely or not at all."""

import contextlib
import errno
import os
import re
import sys
import uuid
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

if sys.platform != "win32":
    import fcntl

TEMPORARY = re.compile(r"\.[0-9a-f]{32}\.(.+)", re.DOTALL)
REPEATED_BYTES = 100  # of a name in its temporary one, which then fits into every file system


def write_whole(
    path: str | os.PathLike, write: Callable[[Path], object], older: Path | None = None
) -> None:
    """Calls `write` with a temporary path, then renames what it wrote to `path`.

    Readers see the old file until then; when `write` fails, it stays as it was. The new file is on
    the disk before it gets its name, so that losing power leaves one of both. While it is written,
    `remove_leftovers` of other processes leaves it alone.

    Args:
        path: of the file; an older one is replaced.
        write: writes to the path it is given, of an empty file in the same folder whose name ends
            alike.
        older: where a file that is replaced is kept; None: not at all.

    Raises:
        OSError: when the file cannot be written; its `filename` is `path`. A name that is too long
            and that of a folder are seen before `write` is called.
    """
    path = Path(path)
    temporary = path.with_name(f".{uuid.uuid4().hex}.{_ending(path.name)}")
    try:
        if path.is_dir():  # raises where the name is too long
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        with _held(temporary):
            write(temporary)
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            if older is not None and path.exists():
                os.replace(path, older)
            os.replace(temporary, path)
    except OSError as error:
        _name(error, temporary, path)
        raise


def remove_leftovers(paths: Iterable[Path]) -> list[Path]:
    """Removes the temporary files that `write_whole` left when it was killed.

    Args:
        paths: of the files that were to be written.

    Returns:
        Temporary files of these that stay: another run is writing them, or that cannot be told.
    """
    wanted: dict[Path, set[str]] = {}
    for path in paths:
        wanted.setdefault(path.parent, set()).add(_ending(path.name))
    kept = []
    for folder, endings in wanted.items():
        for file in list(folder.iterdir()) if folder.is_dir() else ():
            match = TEMPORARY.fullmatch(file.name)
            if match and match[1] in endings and not _remove_free(file):
                kept.append(file)
    return kept


def _ending(name: str) -> str:
    """Return a file's name, or, of a long one, a checksum and the end, which tells the format."""
    encoded = os.fsencode(name)
    if len(encoded) <= REPEATED_BYTES:
        return name
    end = encoded[-REPEATED_BYTES:].decode("utf-8", "ignore")
    return f"{zlib.crc32(encoded):08x}{end}"


def _name(error: OSError, temporary: Path, path: Path) -> None:
    """Puts the path that was wanted into an error that names the temporary one, or none."""
    named = [error.filename, error.filename2]
    if error.errno is not None and (named[0] is None or str(temporary) in map(str, named)):
        error.filename, error.filename2 = str(path), None


@contextlib.contextmanager
def _held(temporary: Path) -> Iterator[None]:
    """Makes an empty file, locks it, and removes it at the end if it has no other name by then."""
    file = _locked(temporary)
    try:
        yield
    finally:
        temporary.unlink(missing_ok=True)
        file.close()


def _locked(temporary: Path) -> IO[bytes]:
    """Return a new file, locked until it is closed, where the system and the disk have locks."""
    while True:
        file = temporary.open("xb")
        if sys.platform == "win32":  # there a file that is open cannot be renamed, nor removed
            file.close()
            return file
        with contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
        if temporary.exists():  # else it was taken for a leftover before it was locked
            return file
        file.close()


def _remove_free(file: Path) -> bool:
    """Removes a file unless it is locked or open elsewhere; returns whether it is gone."""
    try:
        if sys.platform == "win32":
            file.unlink()
            return True
        with file.open("rb+") as opened:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            file.unlink()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
