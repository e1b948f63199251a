"""The chunks of PNG files: checked, and taken out where a library would refuse them."""

import dataclasses
import struct
import zlib
from collections.abc import Iterator

from mirnet_keras.image_errors import ImageError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEADER_END = 33  # of the signature and IHDR
TEXTS = (b"tEXt", b"zTXt", b"iTXt")
EXIF_TEXTS = (b"Raw profile type exif", b"Raw profile type APP1")  # which Pillow reads
COLOURS = (b"cICP", b"sRGB", b"gAMA", b"cHRM", b"mDCV", b"cLLI")
MOST_PROFILE_BYTES = 2**26
SRGB_GAMMA = struct.pack(">I", 45455)
SRGB_PRIMARIES = struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
SRGB_CICP = b"\x01\x0d\x00\x01"
Chunk = tuple[bytes, bytes]  # name and content


@dataclasses.dataclass(frozen=True)
class Unpacked:
    """A PNG file split into what decoders read and what they limit or ignore.

    Attributes:
        data: the file without texts and colour profile.
        texts: names of the texts.
        icc: the colour profile; None for none.
        colours: chunks that describe colours, but for the profile.
    """

    data: bytes
    texts: tuple[str, ...]
    icc: bytes | None
    colours: tuple[Chunk, ...]


def unpack(data: bytes, name: str) -> Unpacked:
    """Split a PNG file, checking the sum of every chunk.

    Raises:
        ImageError: for a damaged chunk.
    """
    kept, texts, colours, icc = [SIGNATURE], [], [], None
    for kind, content, whole in _chunks(data, name):
        if kind in TEXTS:
            texts.append(content.split(b"\0", 1)[0].decode("latin-1"))
        if kind == b"iCCP":
            icc = _profile(content)
        elif kind not in TEXTS or content.startswith(EXIF_TEXTS):
            kept.append(whole)
        if kind in COLOURS:
            colours.append((kind, content))
    return Unpacked(b"".join(kept), tuple(texts), icc, tuple(colours))


def with_colours(data: bytes, colours: tuple[Chunk, ...]) -> bytes:
    """Return a PNG file with chunks that describe its colours."""
    return data[:HEADER_END] + b"".join(chunk(*one) for one in colours) + data[HEADER_END:]


def beyond_srgb(colours: tuple[Chunk, ...], has_profile: bool) -> list[str]:
    """Return the names of the chunks that say something else than sRGB.

    Args:
        colours: as in `Unpacked`.
        has_profile: whether a colour profile says the same as gamma and primaries.
    """
    usual = {b"gAMA": SRGB_GAMMA, b"cHRM": SRGB_PRIMARIES, b"cICP": SRGB_CICP}
    ignored = {b"sRGB"} | ({b"gAMA", b"cHRM"} if has_profile else set())
    return [
        kind.decode()
        for kind, content in colours
        if kind not in ignored and usual.get(kind) != content
    ]


def chunk(kind: bytes, content: bytes) -> bytes:
    """Return the bytes of a chunk."""
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)


def _chunks(data: bytes, name: str) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Yield name, content and bytes of each chunk, up to IEND."""
    place, kind = len(SIGNATURE), b""
    while kind != b"IEND":
        length = int.from_bytes(data[place : place + 4])
        whole = data[place : place + 12 + length]
        if len(whole) < 12 + length:
            raise ImageError(f"'{name}' is broken or cut short. Copy or download it again.")
        kind, content = whole[4:8], whole[8:-4]
        if zlib.crc32(whole[4:-4]) != int.from_bytes(whole[-4:]):
            raise ImageError(
                f"'{name}' is broken: the sum of its part {kind!r} is wrong. "
                "Copy or download it again."
            )
        yield kind, content, whole
        place += len(whole)


def _profile(content: bytes) -> bytes | None:
    """Return the profile of a chunk iCCP; None where it is damaged."""
    packed = content.split(b"\0", 1)[-1][1:]
    unpacker = zlib.decompressobj()
    try:
        profile = unpacker.decompress(packed, MOST_PROFILE_BYTES)
    except zlib.error:
        return None
    return profile if unpacker.eof else None
