"""Which pictures a command line means, and where results may be written."""

from pathlib import Path


class CommandError(ValueError):
    """The command line asks for something that cannot be; the message says what and why."""


def pictures(given: list[Path]) -> list[Path]:
    """The picture files that are named or lie in a named folder."""
    from mirnet_keras.images import list_images

    for path in given:
        if not path.exists():
            raise FileNotFoundError(f"There is no picture or folder '{path}'. Check the path.")
    return [
        picture for path in given for picture in (list_images(path) if path.is_dir() else [path])
    ]


def targets(given: list[Path], sources: list[Path], out: Path | None) -> list[Path]:
    """Where the result of each picture goes."""
    from mirnet_keras.images import SUFFIXES

    is_single = len(given) == 1 and not given[0].is_dir()
    if is_single and out is not None and out.suffix and not out.is_dir():
        if out.suffix.lower() not in SUFFIXES:
            raise CommandError(f"'{out}' must end in one of {', '.join(SUFFIXES)}, or be a folder.")
        return [out]
    if not is_single and (out is None or out.is_file()):
        raise CommandError("Several pictures need a folder for the results: add --out FOLDER.")
    targets = [(out or path.parent) / f"{path.stem}_restored.png" for path in sources]
    twice = sorted(str(target) for target in set(targets) if targets.count(target) > 1)
    if twice:
        raise CommandError(
            f"Several pictures would be written as {', '.join(twice)}. Restore them one by one."
        )
    return targets


def refuse_existing(targets: list[Path], overwrite: bool) -> None:
    """Raises where a result exists and may not be replaced."""
    existing = [str(target) for target in targets if target.exists()]
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
