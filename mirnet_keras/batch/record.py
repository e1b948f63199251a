"""Which results of a folder were made from what, so that an interrupted run goes on."""

import json
import os
import zlib
from pathlib import Path

from mirnet_keras.batch.errors import BatchError
from mirnet_keras.batch.finding import Job

NAME = ".mirnet_keras.jsonl"


class Record:
    """The results in a folder: of which file, with which settings, with which content.

    A line is added before a result appears, so that the record of a run that was killed holds
    every result that is there. A result that was changed since is not taken for ours.

    Args:
        folder: of the results; the record is the hidden file `.mirnet_keras.jsonl` in it.
        fingerprint: of the settings of this run.
    """

    def __init__(self, folder: Path, fingerprint: str):
        self._folder = folder
        self._fingerprint = fingerprint
        self._made = _read(folder / NAME)

    def start(self) -> None:
        """Makes the folder, and sees that files can be written in it.

        Raises:
            BatchError: where they cannot.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / NAME).touch()
        except OSError as error:
            raise BatchError(
                f"Nothing can be written in '{self._folder}': {error.strerror}. "
                "Name another folder."
            ) from error

    def is_made(self, job: Job) -> bool:
        """Whether the result is there: of this picture as it is now, with these settings.

        Raises:
            OSError: when a file cannot be read.
        """
        made = self._made.get(self._key(job))
        return (
            made is not None
            and job.output.is_file()
            and made["settings"] == self._fingerprint
            and made["input"] == _state(job.input)
            and made["crc32"] == zlib.crc32(job.output.read_bytes())
        )

    def add(self, job: Job, content: bytes) -> None:
        """Notes a result that is about to be written, after `start`.

        Raises:
            OSError: when the record cannot be written.
        """
        made = {
            "result": self._key(job),
            "settings": self._fingerprint,
            "input": _state(job.input),
            "crc32": zlib.crc32(content),
        }
        with (self._folder / NAME).open("a", encoding="utf-8") as file:
            file.write("\n" + json.dumps(made))  # a line that was cut short ends here

    def refuse_others(self, jobs: tuple[Job, ...]) -> None:
        """Raises where a result is there that this run would not make.

        Raises:
            BatchError: naming the first few.
        """
        others = [str(job.output) for job in jobs if job.output.exists() and not self.is_made(job)]
        if others:
            more = f" and {len(others) - 3} more" if len(others) > 3 else ""
            raise BatchError(
                f"{', '.join(others[:3])}{more}: exists already, from another picture, with other "
                "settings or changed since. Choose another folder, or add --overwrite."
            )

    def _key(self, job: Job) -> str:
        return os.path.relpath(job.output, self._folder)


def _read(path: Path) -> dict[str, dict]:
    """What the lines say, by result; later ones count."""
    made: dict[str, dict] = {}
    if path.is_file():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                entry = json.loads(line)
                made[entry["result"]] = {key: entry[key] for key in ("settings", "input", "crc32")}
            except (ValueError, KeyError, TypeError):  # cut short, or edited
                continue
    return made


def _state(path: Path) -> list[int]:
    """Size and time of the last change: another one means another picture."""
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]
