"""Picture files out: whole or not at all, with as much of a picture as the format holds."""

import dataclasses
import io
import os
import zlib
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image

from mirnet_keras.image_errors import ImageError, lack_of_memory
from mirnet_keras.images import DEEP_SUFFIXES, SUFFIXES, to_dtype, write_bytes
from mirnet_keras.pictures.deep_png import encode_deep_png
from mirnet_keras.pictures.exif import PREFIX, RATIONAL, SHORT
from mirnet_keras.pictures.metadata import exif_for
from mirnet_keras.pictures.picture import Picture
from mirnet_keras.pictures.png import beyond_srgb, with_colours
from mirnet_keras.pictures.tiff import encode_tiff

KINDS = {
    ".bmp": "BMP",
    ".jpeg": "JPEG",
    ".jpg": "JPEG",
    ".png": "PNG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
}
OPTIONS: dict[str, dict[str, object]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "PNG": {"compress_level": 1, "compress_type": zlib.Z_RLE},  # three times as fast, as small
    "WEBP": {"lossless": True, "exact": True},
}
ALPHA_KINDS = ("PNG", "TIFF", "WEBP")
ICC_SPACE, GREY_PROFILE = slice(16, 20), b"GRAY"  # where a profile names what it is for


MOST_SIDE = {"JPEG": 65_500, "WEBP": 16_383}


def check_side(height: int, width: int, suffix: str) -> None:
    """Raise where a format does not take a picture as large as this.

    Args:
        height, width: of the picture, in pixels.
        suffix: of the file to write.

    Raises:
        ImageError: naming the limit.
    """
    kind = KINDS.get(suffix.lower(), "")
    most = MOST_SIDE.get(kind)
    if most is not None and max(height, width) > most:
        raise ImageError(
            f"A picture of {width} x {height} pixels cannot be written as '{suffix}': {kind} takes "
            f"{most} pixels a side at most. Use .png or .tif."
        )


def write_picture(path: str | os.PathLike, picture: Picture) -> tuple[str, ...]:
    """Writes a picture in the format that the suffix names.

    The file appears complete or not at all, and an older one of that name is replaced (see
    `write_image`). JPEG is written at quality 95 without chroma subsampling, WebP without loss.
    16 bits stay in PNG and TIFF, floats in TIFF, and become 16 bits in PNG; else there are 8.
    What the format cannot hold is left out: transparency is put on white.

    Args:
        path: ends in .png, .jpg, .jpeg, .webp, .bmp, .tif or .tiff; a missing folder is created.
        picture: what to write.

    Returns:
        Sentences about what the file lacks, the picture's own remarks first.

    Raises:
        ImageError: for an unknown suffix, NaN, or a path that cannot be written.
    """
    path = Path(path)
    encoded, remarks = encode_picture(picture, path.suffix)
    write_bytes(path, encoded)
    return remarks


def output_suffix(path: Path, kind: str) -> str:
    """The suffix for a result in the format of its input, as the input has it where it fits."""
    suffix = path.suffix.lower()
    if KINDS.get(suffix) == kind:
        return suffix
    return next((known for known, name in KINDS.items() if name == kind), ".png")


def encode_picture(picture: Picture, suffix: str) -> tuple[bytes, tuple[str, ...]]:
    """Encodes a picture as `write_picture` writes it: the bytes of the file, and the remarks.

    Raises:
        ImageError: for an unknown suffix, NaN, or more pixels than the format or the memory takes.
    """
    suffix = suffix.lower()
    if suffix not in SUFFIXES:
        raise ImageError(
            f"Pictures cannot be written as '{suffix}'. Use one of {', '.join(SUFFIXES)}."
        )
    height, width = picture.pixels.shape[:2]
    check_side(height, width, suffix)
    try:
        fitted = _fitted(picture, KINDS[suffix], suffix)
        return _encoded(fitted, KINDS[suffix]), fitted.remarks
    except ImageError:
        raise
    except MemoryError as error:
        raise lack_of_memory(f"write {width} x {height} pixels") from error
    except Exception as error:  # Pillow names what a format does not take in many ways
        raise ImageError(
            f"A picture of {width} x {height} pixels cannot be written as '{suffix}' ({error}). "
            "Use .png, or leave its metadata out."
        ) from error


def _fitted(picture: Picture, kind: str, suffix: str) -> Picture:
    """The picture with no more than its format holds."""
    picture = _with_depth(picture, kind, suffix)
    if kind not in ALPHA_KINDS:
        if not picture.is_opaque:
            sentence = f"Transparency was put on white: '{suffix}' holds none."
            picture = picture.remarked(sentence)
        picture = picture.on_white()
    is_grey_profile = picture.icc is not None and picture.icc[ICC_SPACE] == GREY_PROFILE
    if kind == "WEBP" and picture.is_grey and is_grey_profile:
        picture = picture.remarked("The profile for grey was left out: WebP has colours.", icc=None)
    lost = beyond_srgb(picture.colours, picture.icc is not None)
    if kind != "PNG" and lost:
        sentence = f"Colour information was left out ({', '.join(lost)}): '{suffix}' holds none."
        picture = picture.remarked(sentence, colours=())
    if kind == "BMP" and (picture.icc or picture.exif):
        picture = picture.remarked("BMP holds no profile and no EXIF data.", icc=None, exif=None)
    return picture


def _with_depth(picture: Picture, kind: str, suffix: str) -> Picture:
    dtype = picture.pixels.dtype
    if suffix not in DEEP_SUFFIXES:
        dtype = np.dtype(np.uint8)
    elif dtype.kind == "f" and kind == "PNG":
        dtype = np.dtype(np.uint16)
    if dtype == picture.pixels.dtype:
        return picture
    alpha = None if picture.alpha is None else to_dtype(picture.alpha, dtype)
    return dataclasses.replace(picture, pixels=to_dtype(picture.pixels, dtype), alpha=alpha)


def _encoded(picture: Picture, kind: str) -> bytes:
    samples = picture.pixels[..., None] if picture.is_grey else picture.pixels
    if picture.alpha is not None:
        samples = np.concatenate([samples, picture.alpha[..., None]], axis=-1)
    exif = exif_for(picture.exif, samples.shape[:2])
    if kind == "TIFF":
        has_alpha = picture.alpha is not None
        return encode_tiff(
            samples, has_alpha=has_alpha, icc=picture.icc, dpi=picture.dpi, exif=exif
        )
    if kind == "WEBP" and picture.dpi:  # which has no other place for it
        across, down = picture.dpi
        exif.tags[ExifTags.Base.ResolutionUnit] = exif.number(SHORT, 2)
        exif.tags[ExifTags.Base.XResolution] = exif.number(RATIONAL, across)
        exif.tags[ExifTags.Base.YResolution] = exif.number(RATIONAL, down)
    content = exif.write() if exif.tags else None
    if samples.dtype == np.uint16:
        deep = encode_deep_png(samples, icc=picture.icc, dpi=picture.dpi, exif=content)
        return with_colours(deep, picture.colours)
    content = content and PREFIX + content
    metadata = {"icc_profile": picture.icc, "dpi": picture.dpi, "exif": content}
    known = {key: value for key, value in metadata.items() if value is not None}
    file = io.BytesIO()
    Image.fromarray(samples.squeeze(-1) if samples.shape[-1] == 1 else samples).save(
        file, kind, **OPTIONS.get(kind, {}), **known
    )
    return with_colours(file.getvalue(), picture.colours) if kind == "PNG" else file.getvalue()
