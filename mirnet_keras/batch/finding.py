"""Which pictures are meant, and where the result of each goes: known before anything starts."""

import collections
import dataclasses
import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from mirnet_keras.batch.errors import BatchError
from mirnet_keras.batch.listing import read_list
from mirnet_keras.images import SUFFIXES
from mirnet_keras.pictures import output_suffix, picture_kind
from mirnet_keras.pictures.writing import KINDS

KIND_BYTES = 12  # of a file, which tell its format
WEAK_KINDS = (None, "BMP")  # "BM" also begins other files
HERE = Path()
NAMED_AT_ONCE = 3  # lines of a list, in a message
AMONG_PICTURES = "The results may not lie among the pictures in '{}'. Name another folder."


@dataclasses.dataclass(frozen=True)
class Job:
    """A picture to restore.

    Attributes:
        input: path of the picture.
        output: path of its result.
    """

    input: Path
    output: Path


@dataclasses.dataclass(frozen=True)
class Found:
    """What files, folders and patterns mean.

    Attributes:
        jobs: the pictures, in order.
        others: how many files of the folders are no pictures.
        is_single: whether one file was named, and no folder, pattern or list.
    """

    jobs: tuple[Job, ...]
    others: int
    is_single: bool


def find_jobs(
    given: Sequence[str],
    out: Path | None = None,
    *,
    lists: Sequence[Path] = (),
    recursive: bool = False,
    suffix: str | None = None,
) -> Found:
    """Finds the pictures that are meant, and names the results.

    A result is called NAME_restored, and ends as the picture's format does. It lies in `out`, in
    the same folder below it as the picture below the folder that was given, or for one picture
    without `out` beside it.

    Args:
        given: paths of pictures and of folders of them, and patterns such as `photos/*.jpg` or
            `photos/**/*.jpg`. In folders, what has the suffix or the content of a picture is one;
            hidden files are left out, and links to folders are not followed.
        out: folder of the results, or, for one picture, a file.
        lists: text files with a path or pattern on each line (see `read_list`), read from the
            list's own folder. Results lie in `out` as what is named there lies in that folder;
            what is elsewhere is placed as if it had been `given`.
        recursive: also takes the folders in folders.
        suffix: of all results, such as ".png", in place of the pictures' own; a file `out` must be
            of that format.

    Raises:
        FileNotFoundError: for a path or a list that is not there.
        BatchError: for no pictures, a list that cannot be read or names what is not there (with the
            numbers of the lines), results that would replace each other or a picture, no folder
            for the results, or a file whose format is not that of `suffix`.
    """
    found = _all_given(given, lists)
    is_single = len(found) == 1 and found[0].is_picture and not lists
    if is_single and out is not None and out.suffix and not out.is_dir():
        if out.suffix.lower() not in SUFFIXES:
            raise BatchError(f"'{out}' must end in one of {', '.join(SUFFIXES)}, or be a folder.")
        if suffix is not None and KINDS[out.suffix.lower()] != KINDS[suffix]:
            raise BatchError(
                f"'{out}' does not end as the format {suffix[1:]} does, which is asked for, too. "
                "Leave the format out, or give the file that suffix."
            )
        jobs = [Job(found[0].path, out)]
        _refuse_collisions(jobs)
        return Found(tuple(jobs), 0, True)
    if not is_single and (out is None or out.is_file()):
        raise BatchError("Several pictures need a folder for the results: add --out FOLDER.")
    if out is not None and not is_single and _is_named_so(out) and not out.is_dir():
        raise BatchError(
            f"Several pictures need a folder for the results, and '{out}' is named as a picture."
        )
    jobs, others = [], 0
    for entry in found:
        pictures = 0
        for path in entry.files(recursive, out):
            kind = _kind(path)
            if not entry.is_picture and kind in WEAK_KINDS and not _is_named_so(path):
                others += 1
                continue
            pictures += 1
            place = path.relative_to(entry.place or entry.root).parent
            ending = suffix or output_suffix(path, kind or "PNG")
            name = f"{path.stem}_restored{ending}"
            jobs.append(Job(path, (path.parent if out is None else out / place) / name))
        if not pictures:
            more = "" if recursive else " Add --recursive to search the folders in it."
            raise BatchError(f"'{entry.text}' holds no picture file.{more}")
    jobs = list(dict.fromkeys(jobs))
    _refuse_collisions(jobs)
    return Found(tuple(jobs), others, is_single)


@dataclasses.dataclass(frozen=True)
class _Given:
    """A file, a folder or a pattern, which is looked for in `root`.

    Results are placed as the pictures lie in `place`; None: in `root`.
    """

    text: str
    path: Path
    root: Path
    is_picture: bool
    place: Path | None = None

    @classmethod
    def of(cls, text: str, folder: Path = HERE) -> "_Given":
        """What a text means, read from a folder."""
        path = folder / text
        if path.is_dir():
            return cls(text, path, path, False)
        if path.exists() or path.is_symlink():
            return cls(text, path, path.parent, True)
        if not glob.has_magic(text):
            raise FileNotFoundError(f"There is no picture or folder '{path}'. Check the path.")
        parts = Path(text).parts
        fixed = next(number for number, part in enumerate(parts) if glob.has_magic(part))
        return cls(text, path, folder.joinpath(*parts[:fixed]), False)

    def placed_by(self, folder: Path) -> "_Given":
        """The same, placed by a folder where it lies in that."""
        place = folder.absolute() if self.path.is_absolute() else folder
        if not self.path.is_relative_to(place) or ".." in self.path.relative_to(place).parts:
            return self
        return dataclasses.replace(self, place=place)

    def files(self, recursive: bool, out: Path | None) -> Iterator[Path]:
        """The files that are meant, in order."""
        if self.is_picture:
            yield self.path
        elif self.path.is_dir():
            yield from _walk(self.path, recursive, out)
        else:
            pattern = str(self.path.relative_to(self.root))
            found = sorted(self.root.glob(pattern))  # which follows no links to folders
            found = [path for path in found if not self._is_hidden(path) and not path.is_dir()]
            others = [path for path in found if not _is_below(path, out)]
            if found and not others:
                raise BatchError(AMONG_PICTURES.format(out))
            yield from others

    def _is_hidden(self, path: Path) -> bool:
        return any(part.startswith(".") for part in path.relative_to(self.root).parts)


def _all_given(given: Sequence[str], lists: Sequence[Path]) -> list[_Given]:
    found = [_Given.of(text) for text in given]
    for path in lists:
        found += _listed(path)
    if not found:
        raise BatchError("No picture is named. Give pictures, folders, patterns or a list of them.")
    return found


def _listed(path: Path) -> list[_Given]:
    """What the lines of a list mean."""
    found, missing = [], []
    for line in read_list(path):
        try:
            found.append(_Given.of(line.text, path.parent).placed_by(path.parent))
        except FileNotFoundError:
            missing.append(f"line {line.number}, '{line.text}'")
    if missing:
        first, rest = "; ".join(missing[:NAMED_AT_ONCE]), len(missing) - NAMED_AT_ONCE
        more = f"; and {rest} more" if rest > 0 else ""
        raise BatchError(
            f"The list '{path}' names what is not there: {first}{more}. "
            f"Its paths begin at its own folder, '{path.parent}'."
        )
    return found


def _walk(folder: Path, recursive: bool, out: Path | None) -> Iterator[Path]:
    if out is not None and out.exists() and out.samefile(folder):
        raise BatchError(AMONG_PICTURES.format(folder))
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        path = Path(entry.path)
        if entry.name.startswith("."):
            continue
        if not entry.is_dir():
            yield path
        elif recursive and not entry.is_symlink() and not _is_same(path, out):
            yield from _walk(path, recursive, out)


def _is_same(path: Path, folder: Path | None) -> bool:
    return folder is not None and path.resolve() == folder.resolve()


def _is_below(path: Path, folder: Path | None) -> bool:
    return folder is not None and path.resolve().is_relative_to(folder.resolve())


def _kind(path: Path) -> str | None:
    """The format by the content; None where there is none or it cannot be read."""
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file:
            return picture_kind(file.read(KIND_BYTES))
    except OSError:
        return None


def _is_named_so(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES


def _refuse_collisions(jobs: list[Job]) -> None:
    inputs = {job.input.resolve() for job in jobs}
    lost = [str(job.output) for job in jobs if job.output.resolve() in inputs]
    if lost:
        raise BatchError(
            f"{', '.join(lost)}: a picture to restore would be lost. Choose another name."
        )
    outputs = collections.Counter(job.output for job in jobs)
    twice = sorted(str(output) for output, count in outputs.items() if count > 1)
    if twice:
        raise BatchError(
            f"Several pictures would be written as {', '.join(twice)}. Restore them one by one."
        )
