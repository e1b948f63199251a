"""Files that list pictures, one path on a line."""

import dataclasses
from pathlib import Path

from mirnet_keras.batch.errors import BatchError

COMMENT = "#"


@dataclasses.dataclass(frozen=True)
class Line:
    """A line that names something.

    Attributes:
        number: of the line in the file, from 1.
        text: a path or pattern.
    """

    number: int
    text: str


def read_list(path: Path) -> tuple[Line, ...]:
    """Reads a list of paths: UTF-8 text, one on a line.

    Empty lines, and those that begin with `#`, are left out; white space around a path is, too.

    Raises:
        FileNotFoundError: when there is no such file.
        BatchError: for a folder, a file that cannot be read or is no text, and one that names
            nothing.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(f"There is no list '{path}'. Check the path.") from None
    except IsADirectoryError:
        raise BatchError(f"The list '{path}' is a folder. Name it among the pictures.") from None
    except OSError as error:
        raise BatchError(
            f"The list '{path}' cannot be read: {error.strerror}. "
            "Check the path and its permissions."
        ) from error
    try:
        text = content.decode("utf-8-sig")  # some editors begin a file with a mark
    except UnicodeDecodeError as error:
        raise BatchError(_no_text(path)) from error
    if "\0" in text:
        raise BatchError(_no_text(path))
    named = [Line(number, line.strip()) for number, line in enumerate(text.split("\n"), 1)]
    lines = tuple(line for line in named if line.text and not line.text.startswith(COMMENT))
    if not lines:
        raise BatchError(f"The list '{path}' names nothing. Write one path on each line.")
    return lines


def _no_text(path: Path) -> str:
    return f"The list '{path}' is no text in UTF-8. Write one path on each line."
