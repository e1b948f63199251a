"""EXIF data as bytes: read and written without a change to any value.

Pillow decodes texts as ASCII and loses what is none; here values stay the bytes that they are.
"""

import dataclasses
import io
import struct
from typing import Literal

FOLDERS = {
    0x8769,
    0x8825,
    0xA005,
}  # tags that point to folders of tags: EXIF, GPS, interoperability
MAKER_NOTE = 0x927C  # holds offsets from the start of the data
MOST_NOTE_OFFSET = 2**15
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
SHORT, LONG, RATIONAL = 3, 4, 5
PREFIX = b"Exif\0\0"


@dataclasses.dataclass
class Exif:
    """EXIF data: each tag with its type and its bytes, or with a folder of tags.

    Attributes:
        order: "<" or ">", the byte order of all values.
        tags: of the first folder.
        note_place: where the camera's own data were; None where there are none.
        is_damaged: whether tags could not be read, which are missing.
    """

    order: Literal["<", ">"] = "<"
    tags: dict = dataclasses.field(default_factory=dict)
    note_place: int | None = None
    is_damaged: bool = False

    @classmethod
    def read(cls, data: bytes) -> "Exif":
        """Read EXIF data, or the first page of a TIFF file.

        Raises:
            ValueError, struct.error: where they are none.
        """
        data = data.removeprefix(PREFIX)
        orders: dict[bytes, Literal["<", ">"]] = {b"II": "<", b"MM": ">"}
        order = orders.get(data[:2])
        if order is None:
            raise ValueError("EXIF data begin with II or MM.")
        exif = cls(order)
        exif.tags = exif._folder(data, struct.unpack(order + "I", data[4:8])[0], set())
        return exif

    def number(self, kind: int, *values: float) -> tuple[int, bytes]:
        """Return a value of a kind of numbers, as it stands in `tags`."""
        if kind == RATIONAL:
            pairs = [part for value in values for part in (round(value * 10_000), 10_000)]
            return kind, struct.pack(f"{self.order}{len(pairs)}I", *pairs)
        code = {SHORT: "H", LONG: "I"}[kind]
        return kind, struct.pack(f"{self.order}{len(values)}{code}", *values)

    def write(self) -> bytes:
        """Return the data, beginning with the byte order."""
        file = io.BytesIO()
        file.write(b"II*\0" if self.order == "<" else b"MM\0*")
        file.write(bytes(4))
        place = None
        note = self.tags.get(0x8769, {}).get(MAKER_NOTE)
        if note and self.note_place is not None and 8 <= self.note_place <= MOST_NOTE_OFFSET:
            place = self.note_place
            file.seek(place)
            file.write(note[1])
        first = self._append(file, self.tags, place)
        file.seek(4)
        file.write(struct.pack(self.order + "I", first))
        return file.getvalue()

    def _append(self, file: io.BytesIO, tags: dict, note_place: int | None = None) -> int:
        """Write a folder behind what is there, and return where it begins."""
        lines = []
        for tag, value in sorted(tags.items()):
            if isinstance(value, dict):
                inner = self._append(file, value, note_place)
                kind, content = self.number(LONG, inner)
            else:
                kind, content = value
            count = len(content) // SIZES[kind]
            if len(content) > 4:
                place = note_place if tag == MAKER_NOTE and note_place else self._put(file, content)
                content = struct.pack(self.order + "I", place)
            lines.append(
                struct.pack(self.order + "HHI", tag, kind, count) + content.ljust(4, b"\0")
            )
        head = struct.pack(self.order + "H", len(lines))
        return self._put(file, head + b"".join(lines) + bytes(4))

    @staticmethod
    def _put(file: io.BytesIO, content: bytes) -> int:
        place = file.seek(0, io.SEEK_END)
        if place % 2:
            place += file.write(b"\0")
        file.write(content)
        return place

    def _folder(self, data: bytes, place: int, seen: set[int]) -> dict:
        if place in seen:
            raise ValueError("A folder of tags holds itself.")
        seen.add(place)
        (count,) = struct.unpack_from(self.order + "H", data, place)
        tags: dict = {}
        for line in range(place + 2, place + 2 + 12 * count, 12):
            if line + 12 > len(data):
                self.is_damaged = True
                break
            tag, kind, number = struct.unpack_from(self.order + "HHI", data, line)
            (offset,) = struct.unpack_from(self.order + "I", data, line + 8)
            length = SIZES.get(kind, 0) * number
            start = line + 8 if length <= 4 else offset
            if not kind or kind not in SIZES or start + length > len(data):
                self.is_damaged = True
            elif tag in FOLDERS:
                try:
                    tags[tag] = self._folder(data, offset, seen)
                except (ValueError, struct.error):
                    self.is_damaged = True
            else:
                tags[tag] = kind, data[start : start + length]
                if tag == MAKER_NOTE:
                    self.note_place = start if length > 4 else None
        return tags
