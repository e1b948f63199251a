"""TIFF files beyond what Pillow knows: colour of 16 bits or floats, with every tag.

Pillow reads and writes the directory of tags; OpenCV decodes the pixels.
"""

import dataclasses
import zlib
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from PIL import TiffImagePlugin, TiffTags

from mirnet_keras.images import BIG_TIFF, ImageError, decode_deep, refuse_raw, tiff_pages
from mirnet_keras.pictures.exif import LONG, RATIONAL, SHORT, Exif
from mirnet_keras.pictures.metadata import ORIENTATION
from mirnet_keras.pictures.orientation import TURNS

THUMBNAIL = 1  # flag of NewSubfileType: a smaller copy of another page
OLD_SUBFILE_TYPE, OLD_THUMBNAIL = 255, 2  # the tag before NewSubfileType, and a value
WHITE_IS_ZERO = 0
ASSOCIATED, STRAIGHT = 1, 2  # kinds of alpha; 0 is a channel of no known meaning
UNCOMPRESSED, DEFLATE = 1, 8
DEFLATES = (DEFLATE, 32946)  # the second is its former number
UNPACKED_AT_ONCE = 2**24
DIFFERENCES = 2  # a predictor
FLOAT = 3
ROWS = 64  # compressed at once, to take little memory
INCH, CENTIMETRE = 2, 3
COLOURS = ("TransferFunction", "WhitePoint", "PrimaryChromaticities")  # tags, kept nowhere
Tags = TiffImagePlugin.ImageFileDirectory_v2
TAG = {tag.name: number for number, tag in TiffTags.TAGS_V2.items()}


def read_tags(data: bytes, name: str) -> Tags:
    """The tags of the only page.

    Raises:
        ImageError: for raw files of cameras, and several pages; a thumbnail is none.
    """
    refuse_raw(data, name)
    first, *others = tiff_pages(data)
    if any(not is_thumbnail(tags) for tags in others):
        raise ImageError(f"'{name}' has several pages. Save each as a file of its own.")
    return first


def is_thumbnail(tags: Tags) -> bool:
    """Return True if a page is a smaller copy of another."""
    flags, old_kind = tags.get(TAG["NewSubfileType"], 0), tags.get(OLD_SUBFILE_TYPE)
    return bool(flags & THUMBNAIL) or old_kind == OLD_THUMBNAIL


def is_big(data: bytes) -> bool:
    """Whether the offsets in a file have 64 bits."""
    return BIG_TIFF in data[2:4]


def is_deep(tags: Tags) -> bool:
    """Whether a sample has more than 8 bits."""
    return max(tags.get(TAG["BitsPerSample"], (1,))) > 8


def read_deep(data: bytes, tags: Tags, name: str) -> tuple[np.ndarray, np.ndarray | None]:
    """The pixels and the alpha of a file of 16 bits or floats, turned upright.

    Raises:
        ImageError: for a file that is cut short, and for kinds that are not read.
    """
    samples = tags.get(TAG["SamplesPerPixel"], 1)
    extra = tags.get(TAG["ExtraSamples"], (STRAIGHT,))[0]
    photometric = tags.get(TAG["PhotometricInterpretation"])
    is_known = photometric != WHITE_IS_ZERO and samples in (1, 2, 3, 4)
    if not is_known or (samples in (2, 4) and extra == ASSOCIATED):
        raise ImageError(
            f"'{name}' is a TIFF file of a kind that is not read: {samples} deep samples a pixel, "
            f"photometric {photometric}. Save it as a 16-bit PNG."
        )
    if samples == 2:
        array = TURNS.get(tags.get(ORIENTATION, 1), np.asarray)(_two_samples(data, tags, name))
        return array[..., 0], array[..., 1] if extra == STRAIGHT else None
    import cv2

    array = decode_deep(data, name, cv2.IMREAD_UNCHANGED)  # which turns it
    if array.ndim == 2:
        return array, None
    pixels = np.ascontiguousarray(array[..., 2::-1])
    has_alpha = array.shape[-1] == 4 and extra == STRAIGHT
    return pixels, np.ascontiguousarray(array[..., 3]) if has_alpha else None


def _two_samples(data: bytes, tags: Tags, name: str) -> np.ndarray:
    """(height, width, 2) of a file that no library at hand reads, stored as `encode_tiff` does."""
    width, height = tags[TAG["ImageWidth"]], tags[TAG["ImageLength"]]
    bits, kinds = tags[TAG["BitsPerSample"]], tags.get(TAG["SampleFormat"], (1, 1))
    dtype = {(16, 1): "u2", (32, FLOAT): "f4"}.get((bits[0], kinds[0]))
    compression, predictor = tags.get(TAG["Compression"], 1), tags.get(TAG["Predictor"], 1)
    is_known = compression in (UNCOMPRESSED, DEFLATE) and predictor in (1, DIFFERENCES)
    is_interleaved = TAG["StripOffsets"] in tags and tags.get(TAG["PlanarConfiguration"], 1) == 1
    if dtype is None or not is_known or not is_interleaved or len(set(bits)) > 1:
        raise ImageError(f"'{name}' is a TIFF file of a kind that is not read. Save it as a PNG.")
    order = "<" if data.startswith(b"II") else ">"
    expected = width * height * bits[0] // 8 * 2
    content = bytearray()
    places = zip(tags[TAG["StripOffsets"]], tags[TAG["StripByteCounts"]], strict=True)
    for offset, size in places:
        strip, left = data[offset : offset + size], expected - len(content)
        if left > 0:
            is_packed = compression == DEFLATE
            content += zlib.decompressobj().decompress(strip, left) if is_packed else strip[:left]
    array = np.frombuffer(content, order + dtype, 2 * width * height).reshape(height, width, 2)
    array = array.astype(dtype)
    return array if predictor == 1 else np.cumsum(array, axis=1, dtype=dtype)


def dpi(tags: Mapping[int, Any]) -> tuple[float, float] | None:
    """The density that the tags give, in pixels an inch."""
    factor = {INCH: 1, CENTIMETRE: 2.54}.get(tags.get(TAG["ResolutionUnit"], INCH))
    across, down = tags.get(TAG["XResolution"]), tags.get(TAG["YResolution"])
    return (across * factor, down * factor) if factor and across and down else None


def encode_tiff(
    samples: np.ndarray,
    *,
    has_alpha: bool,
    icc: bytes | None,
    dpi: tuple[float, float] | None,
    exif: Exif,
) -> bytes:
    """The bytes of a TIFF file, compressed without loss.

    Args:
        samples: (height, width, channels), uint8, uint16 or float32: grey or RGB, then alpha.
        has_alpha: whether the last channel is alpha.
        icc: colour profile.
        dpi: pixels an inch.
        exif: EXIF data, of which the tags that describe pixels are not there.
    """
    height, width, channels = samples.shape
    is_float = samples.dtype.kind == "f"
    packer = zlib.compressobj(4)
    parts = []
    for start in range(0, height, ROWS):
        rows = samples[start : start + ROWS]
        parts.append(packer.compress(_stored(rows, exif.order)))
    strip = b"".join(parts) + packer.flush()
    values: dict[str, tuple[int, tuple[float, ...]]] = {
        "ImageWidth": (LONG, (width,)),
        "ImageLength": (LONG, (height,)),
        "BitsPerSample": (SHORT, (8 * samples.dtype.itemsize,) * channels),
        "SampleFormat": (SHORT, (FLOAT if is_float else 1,) * channels),
        "SamplesPerPixel": (SHORT, (channels,)),
        "PhotometricInterpretation": (SHORT, (2 if channels > 2 else 1,)),
        "Compression": (SHORT, (DEFLATE,)),
        "Predictor": (SHORT, (1 if is_float else DIFFERENCES,)),
        "RowsPerStrip": (LONG, (height,)),
        "StripOffsets": (LONG, (0,)),
        "StripByteCounts": (LONG, (len(strip),)),
    }
    if has_alpha:
        values["ExtraSamples"] = SHORT, (STRAIGHT,)
    if dpi:
        values["ResolutionUnit"] = SHORT, (INCH,)
        values["XResolution"], values["YResolution"] = (RATIONAL, dpi[:1]), (RATIONAL, dpi[1:])
    tags = exif.tags | {
        TAG[name]: exif.number(kind, *numbers) for name, (kind, numbers) in values.items()
    }
    if icc:
        tags[TAG["ICCProfile"]] = TiffTags.UNDEFINED, icc
    place = len(dataclasses.replace(exif, tags=tags).write())
    tags[TAG["StripOffsets"]] = exif.number(LONG, place)
    return dataclasses.replace(exif, tags=tags).write() + strip


def _stored(rows: np.ndarray, order: Literal["<", ">"]) -> bytes:
    """Return rows as they are compressed, in a byte order."""
    changed = rows if rows.dtype.kind == "f" else _differences(rows)
    return changed.astype(changed.dtype.newbyteorder(order)).tobytes()


def check_extent(data: bytes, tags: Tags, name: str) -> None:
    """Raise where pixels are beyond the end of the file or damaged: decoders go on in silence."""
    part = "Tile" if TAG["TileOffsets"] in tags else "Strip"
    offsets, sizes = tags[TAG[f"{part}Offsets"]], tags[TAG[f"{part}ByteCounts"]]
    if max(map(sum, zip(offsets, sizes, strict=True))) > len(data):
        raise ImageError(f"'{name}' is cut short. Copy or download it again.")
    if tags.get(TAG["Compression"], 1) in DEFLATES:
        for offset, size in zip(offsets, sizes, strict=True):
            _check_packed(data[offset : offset + size], name)


def _check_packed(content: bytes, name: str) -> None:
    """Raise where compressed pixels do not unpack to what their sum says."""
    unpacker = zlib.decompressobj()
    try:
        while content and not unpacker.eof:
            unpacker.decompress(content, UNPACKED_AT_ONCE)
            content = unpacker.unconsumed_tail
    except zlib.error as error:
        raise ImageError(f"'{name}' is broken ({error}). Copy or download it again.") from error


def _differences(samples: np.ndarray) -> np.ndarray:
    """Each sample less its left neighbour, which compresses better."""
    return np.diff(samples, axis=1, prepend=np.zeros_like(samples[:, :1]))
