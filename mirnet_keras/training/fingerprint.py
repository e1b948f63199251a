"""Whether a run still sees the pictures that it began with."""

import dataclasses
import hashlib
import os
import pathlib
from collections.abc import Iterable

import yaml

from mirnet_keras import __version__


@dataclasses.dataclass(frozen=True)
class Fingerprint:
    """What tells one set of training pictures from another.

    Attributes:
        files: their number.
        sha256: of their names and sizes in bytes, in the order in which they are counted.
    """

    files: int
    sha256: str

    def as_yaml(self) -> str:
        """As it is kept in the folder of a run, with the version of this package."""
        return yaml.safe_dump(
            dataclasses.asdict(self) | {"mirnet_keras": __version__}, sort_keys=False
        )

    def change_since(self, kept: pathlib.Path) -> str:
        """What is not as in a file that was kept, in words; nothing where all is."""
        before = yaml.safe_load(kept.read_text())
        if before["sha256"] == self.sha256:
            return ""
        if before["files"] != self.files:
            return f"it began with {before['files']} picture files, now there are {self.files}"
        return f"there are {self.files} picture files as before, but other names, sizes or order"


def fingerprint(files: Iterable[pathlib.Path]) -> Fingerprint:
    """The fingerprint of picture files, of which only names and sizes are looked at.

    Args:
        files: in the order in which they are counted; their folders may move.
    """
    hashed, count = hashlib.sha256(), 0
    for file in files:
        hashed.update(os.fsencode(file.name) + b"\0%d\n" % file.stat().st_size)
        count += 1
    return Fingerprint(count, hashed.hexdigest())
