"""What several commands share: options, checks of what they are given, progress, JSON."""

import contextlib
import functools
import io
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace results that exist.")]


class CommandError(ValueError):
    """The command line asks for something that cannot be; the message says what and why."""


def refuse_existing(targets: list[Path], overwrite: bool) -> None:
    """Raises where a result exists and may not be replaced, or can have no such name."""
    existing = []
    for target in targets:
        try:
            existing += [str(target)] if target.exists() else []
        except OSError as error:
            raise CommandError(
                f"'{target}' cannot be written: {error.strerror}. Name the result with --out."
            ) from error
    if existing and not overwrite:
        raise CommandError(
            f"{', '.join(existing)}: exists already. Choose another name, or add --overwrite."
        )


def require_suffix(path: Path, suffix: str) -> None:
    """Raises where a file to write has another suffix."""
    if path.suffix != suffix:
        raise CommandError(f"The file to write must end in {suffix}. Received '{path}'.")


def tile_side(text: str) -> int | str | None:
    """The tile size that a text stands for."""
    if text in ("auto", "chop"):
        return text
    if text == "none":
        return None
    if not text.isdecimal():
        raise CommandError(
            f"--tile must be auto, none, chop or a number of pixels. Received '{text}'."
        )
    return int(text)


def print_json(values: dict) -> None:
    """Prints one JSON object; paths become text."""
    typer.echo(json.dumps(values, indent=2, default=str))


def print_any_name() -> None:
    """Let a name that the terminal's encoding lacks be printed with question marks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


@contextlib.contextmanager
def progress_bar(total: int | None) -> Iterator[Callable[..., None]]:
    """A bar with the time left, on a terminal, for more than one thing.

    Args:
        total: how many there are; None: not known yet.

    Yields:
        What moves it: a function with the arguments `advance`, or `completed` and `total`.
    """
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    shown = total != 1 and console.is_terminal and sys.stdout.isatty()
    with Progress(*columns, console=console, disable=not shown, transient=True) as progress:
        yield functools.partial(progress.update, progress.add_task("Restoring", total=total))
