"""PNG files of 16 bits a sample with metadata: Pillow writes 8 bits, OpenCV no metadata."""

import struct
import zlib

import numpy as np

from mirnet_keras.pictures.png import SIGNATURE, chunk

COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # by channels: grey, grey and alpha, RGB, RGBA
UP = 2  # the filter that stores each byte less the one above
ROWS = 64  # filtered at once, to take little memory
METRES_AN_INCH = 0.0254


def encode_deep_png(
    samples: np.ndarray,
    *,
    icc: bytes | None,
    dpi: tuple[float, float] | None,
    exif: bytes | None,
) -> bytes:
    """The bytes of a PNG file.

    Args:
        samples: (height, width, channels) uint16: grey or RGB, then alpha.
        icc: colour profile.
        dpi: pixels an inch.
        exif: EXIF data that begin with the byte order.
    """
    height, width, channels = samples.shape
    header = struct.pack(">IIBBBBB", width, height, 16, COLOUR_TYPES[channels], 0, 0, 0)
    chunks = [(b"IHDR", header)]
    if icc:
        chunks.append((b"iCCP", b"ICC Profile\0\0" + zlib.compress(icc)))
    if dpi:
        across, down = (round(value / METRES_AN_INCH) for value in dpi)
        chunks.append((b"pHYs", struct.pack(">IIB", across, down, 1)))
    if exif:
        chunks.append((b"eXIf", exif))
    chunks += [(b"IDAT", _compressed(samples)), (b"IEND", b"")]
    return SIGNATURE + b"".join(chunk(*one) for one in chunks)


def _compressed(samples: np.ndarray) -> bytes:
    packer = zlib.compressobj(1, strategy=zlib.Z_RLE)  # OpenCV's choice: small enough, and fast
    parts = []
    above = np.zeros(samples[0].nbytes, np.uint8)
    for start in range(0, len(samples), ROWS):
        rows = samples[start : start + ROWS].astype(">u2")
        lines = rows.view(np.uint8).reshape(len(rows), -1)
        filtered = np.full((len(lines), lines.shape[1] + 1), UP, np.uint8)
        filtered[:, 1:] = np.diff(lines, axis=0, prepend=above[None])
        above = lines[-1]
        parts.append(packer.compress(filtered.tobytes()))
    return b"".join(parts) + packer.flush()
