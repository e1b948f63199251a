"""Picture files in: the content decides the format and the depth, never the name or the values."""

import contextlib
import dataclasses
import io
import os
import struct
from collections.abc import Collection
from pathlib import Path

import numpy as np
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageCms,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from mirnet_keras.image_errors import ImageError, lack_of_memory, not_a_picture
from mirnet_keras.images import TIFF_SIGNATURES, decode_deep
from mirnet_keras.pictures import jpeg, png, tiff
from mirnet_keras.pictures.exif import Exif
from mirnet_keras.pictures.metadata import ORIENTATION, checked_dpi, left_out, portable_exif
from mirnet_keras.pictures.orientation import FIRST_SIDEWAYS, TURNS, Change
from mirnet_keras.pictures.picture import MAX_PIXELS, Picture

# Opened by class, not by Image.open: its limit of pixels is one for the whole process.
OPENERS: dict[str, type[ImageFile.ImageFile]] = {
    "PNG": PngImagePlugin.PngImageFile,
    "JPEG": JpegImagePlugin.JpegImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "GIF": GifImagePlugin.GifImageFile,
}
SIGNATURES: dict[bytes | tuple[bytes, ...], str] = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    TIFF_SIGNATURES: "TIFF",
    b"BM": "BMP",
    b"GIF8": "GIF",
}
MOST_BYTES_A_PIXEL, MOST_OTHER_BYTES = 16, 2**26  # RGBA of 32 bits; metadata
PNG_DEPTH, PNG_COLOUR_TYPE, GREY_ALPHA = 24, 25, 4  # two places in a PNG file, and a value
CMYK_CONVERTED = "CMYK was converted to sRGB."
DAMAGED = ("refuse", "keep")
GREY_MODES = ("1", "L", "LA")
COLOUR_MODES = ("P", "PA", "RGB", "RGBA", "RGBX", "YCbCr")


def read_picture(
    path: str | os.PathLike, *, max_pixels: int = MAX_PIXELS, damaged: str = "refuse"
) -> Picture:
    """Reads a PNG, JPEG, WebP, TIFF or BMP file, or a GIF of one picture.

    The EXIF orientation is applied. CMYK becomes sRGB, by the profile of the file where it has
    one, and a remark says so.

    Args:
        path: of the file.
        max_pixels: what is larger is refused before it is decoded.
        damaged: "refuse", or "keep" to read a damaged JPEG file as far as it can be decoded, with a
            remark.

    Raises:
        FileNotFoundError: when there is no such file.
        ImageError: for what is no file, a file that is broken, cut short, no picture, animated, of
            several pages or too large, also for the memory.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"There is no picture at '{path}'. Check the path.")
    if not path.is_file():
        raise ImageError(f"'{path}' is no file. Give the path of one picture.")
    try:
        if path.stat().st_size > MOST_BYTES_A_PIXEL * max_pixels + MOST_OTHER_BYTES:
            raise ImageError(
                f"'{path}' is larger than a picture of {max_pixels:,} pixels can be. "
                "Raise `max_pixels` if it is meant."
            )
        data = path.read_bytes()
    except MemoryError as error:
        raise lack_of_memory(f"read '{path}'") from error
    except OSError as error:
        raise ImageError(
            f"'{path}' cannot be opened: {error.strerror}. Check the path and its permissions."
        ) from error
    return decode_picture(data, str(path), max_pixels=max_pixels, damaged=damaged)


def decode_picture(
    data: bytes,
    name: str = "picture",
    *,
    max_pixels: int = MAX_PIXELS,
    damaged: str = "refuse",
) -> Picture:
    """Decodes the bytes of a picture file, as `read_picture` does.

    Args:
        data: the whole file.
        name: what error messages call it.
        max_pixels: what is larger is refused before it is decoded.
        damaged: "refuse", or "keep" to read a damaged JPEG file as far as it can be decoded, with a
            remark.

    Raises:
        ImageError: for what cannot be read.
        ValueError: for another `damaged`.
    """
    if damaged not in DAMAGED:
        raise ValueError(f"`damaged` must be one of {', '.join(DAMAGED)}. Received {damaged!r}.")
    kind = picture_kind(data)
    if kind is None:
        raise not_a_picture(data, name)
    try:
        if kind == "TIFF":
            tags = tiff.read_tags(data, name)
            size = tags[tiff.TAG["ImageWidth"]], tags[tiff.TAG["ImageLength"]]
            _check_size(size, max_pixels, name)
            tiff.check_extent(data, tags, name)
            if tiff.is_deep(tags):
                return _deep_tiff(data, tags, name)
            return _shallow(data, kind, name, max_pixels, tags=tags)
        if kind == "PNG":
            return _png(data, name, max_pixels)
        if kind == "JPEG":
            return _jpeg(data, name, max_pixels, keep=damaged == "keep")
        _check_webp_length(data, kind, name)
        return _shallow(data, kind, name, max_pixels)
    except ImageError:
        raise
    except MemoryError as error:
        raise lack_of_memory(f"read '{name}'") from error
    except Exception as error:  # on broken files Pillow's decoders raise nearly anything
        raise ImageError(
            f"'{name}' is broken or cut short ({error}). Copy or download it again."
        ) from error


def picture_kind(data: bytes) -> str | None:
    """The format of a file by its first twelve bytes; None for what is not read."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    return next((kind for start, kind in SIGNATURES.items() if data.startswith(start)), None)


def _check_size(size: tuple[int, int], max_pixels: int, name: str) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise ImageError(f"'{name}' has no pixels ({width} x {height}).")
    if width * height > max_pixels:
        raise ImageError(
            f"'{name}' has too many pixels: {width} x {height}, more than {max_pixels:,}. "
            "Cut it into parts, or raise `max_pixels` if the memory is there."
        )


def _check_webp_length(data: bytes, kind: str, name: str) -> None:
    if kind == "WEBP" and int.from_bytes(data[4:8], "little") + 8 > len(data):
        raise ImageError(f"'{name}' is cut short. Copy or download it again.")


def _shallow(
    data: bytes,
    kind: str,
    name: str,
    max_pixels: int,
    tags=None,
    unpacked: png.Unpacked | None = None,
) -> Picture:
    """Decode what Pillow can, and deep PNG files."""
    with OPENERS[kind](io.BytesIO(data)) as file:
        _check_size(file.size, max_pixels, name)
        if kind != "TIFF" and kind != "JPEG" and getattr(file, "is_animated", False):
            raise ImageError(f"'{name}' is animated. Save the frames as pictures of their own.")
        file.load()  # raises where the file is cut short
        picture = _pixels(file, data, kind, name)
        exif, info = file.getexif(), file.info
        texts: Collection[str] = ()
        if unpacked is not None:
            texts, info = unpacked.texts, info | {"icc_profile": unpacked.icc}
        own = data if tags is not None else info.get("exif") or (exif.tobytes() if exif else None)
        return _with_metadata(picture, exif, info, own, texts)


def _png(data: bytes, name: str, max_pixels: int) -> Picture:
    """Decode a PNG file without the parts that libraries limit in size."""
    unpacked = png.unpack(data, name)
    picture = _shallow(unpacked.data, "PNG", name, max_pixels, unpacked=unpacked)
    return dataclasses.replace(picture, colours=unpacked.colours)


def _jpeg(data: bytes, name: str, max_pixels: int, *, keep: bool) -> Picture:
    """Decode a JPEG file, and say what is damaged or left out."""
    whole = data + jpeg.END if keep else data  # Pillow refuses files without an end
    picture = _shallow(whole, "JPEG", name, max_pixels)
    for remark in (*jpeg.check(data, name, keep=keep), *jpeg.left_out(data)):
        picture = picture.remarked(remark)
    return picture


def _pixels(file: ImageFile.ImageFile, data: bytes, kind: str, name: str) -> Picture:
    """Pixels and alpha as they are stored, not turned."""
    if kind == "PNG" and data[PNG_DEPTH] > 8:
        return _deep_png(file, data, name)
    if file.mode == "CMYK":
        pixels = _rgb_of_cmyk(file)
        return Picture(pixels, kind=kind, remarks=(CMYK_CONVERTED,))
    if file.mode not in GREY_MODES + COLOUR_MODES:
        raise ImageError(f"'{name}' has pixels of the kind {file.mode}. Save it as a PNG first.")
    is_grey = file.mode in GREY_MODES
    has_key = "transparency" in file.info
    if kind == "PNG" and is_grey and has_key and file.mode != "LA":
        # The file names one grey as transparent, at its own depth, where Pillow has scaled to 8.
        levels = 2 ** data[PNG_DEPTH] - 1
        key = min(file.info["transparency"], levels) * 255 // levels
        grey = np.array(file.convert("L"))
        return Picture(grey, np.where(grey == key, 0, 255).astype(np.uint8), kind)
    if "A" not in file.mode.upper() and not has_key:
        return Picture(np.array(file.convert("L" if is_grey else "RGB")), kind=kind)
    array = np.array(file.convert("LA" if is_grey else "RGBA"))
    if kind == "BMP" and not array[..., -1].any():  # an alpha that the writer left unused
        return Picture(np.ascontiguousarray(array[..., :3]), kind=kind)
    return Picture(array[..., 0] if is_grey else array[..., :3], array[..., -1], kind)


def _deep_png(file: ImageFile.ImageFile, data: bytes, name: str) -> Picture:
    import cv2

    array = decode_deep(data, name, cv2.IMREAD_UNCHANGED)
    if array.ndim == 3:
        alpha = array[..., 3] if array.shape[-1] == 4 else None
        is_grey = data[PNG_COLOUR_TYPE] == GREY_ALPHA  # which OpenCV widens to RGBA
        return Picture(array[..., 0] if is_grey else array[..., 2::-1], alpha, "PNG")
    key = file.info.get("transparency")
    alpha = None if key is None else np.where(array == key, 0, 65535).astype(np.uint16)
    return Picture(array, alpha, "PNG")


def _deep_tiff(data: bytes, tags, name: str) -> Picture:
    pixels, alpha = tiff.read_deep(data, tags, name)
    picture = Picture(pixels, alpha, "TIFF")
    info = {"icc_profile": tags.get(tiff.TAG["ICCProfile"]), "dpi": tiff.dpi(tags)}
    exif, own = Image.Exif(), None
    if tiff.is_big(data):  # which Pillow's reader of EXIF data does not know
        exif[ORIENTATION] = tags.get(ORIENTATION, 1)
        picture = picture.remarked("The EXIF data of a BigTIFF file are not read.")
    else:
        exif.load(data)
        own = data
    lowest, highest = pixels.min(), pixels.max()
    if pixels.dtype == np.float32 and (lowest < 0 or highest > 1):
        picture = picture.remarked(
            f"Values outside 0..1 ({lowest:.4g} to {highest:.4g}) are clipped."
        )
    return _with_metadata(picture, exif, info, own, is_upright=True)


def _rgb_of_cmyk(file: ImageFile.ImageFile) -> np.ndarray:
    """sRGB by the profile in the file, or by subtraction."""
    profile = file.info.get("icc_profile")
    if profile:
        with contextlib.suppress(ImageCms.PyCMSError, OSError):  # no profile of CMYK, or damaged
            own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            srgb = ImageCms.createProfile("sRGB")
            return np.array(ImageCms.profileToProfile(file, own, srgb, outputMode="RGB"))
    return np.array(file.convert("RGB"))


def _with_metadata(
    picture: Picture,
    exif: Image.Exif,
    info: dict,
    own: bytes | None,
    texts: Collection[str] = (),
    is_upright: bool = False,
) -> Picture:
    """The picture turned upright, if it is not, with what the file says; see `left_out`.

    `own` are the EXIF data as they stand in the file.
    """
    orientation = exif.get(ORIENTATION, 1)
    dpi = checked_dpi(info.get("dpi") or tiff.dpi(exif))  # WebP has it in EXIF alone
    if orientation in TURNS and not is_upright:
        picture = _mapped(picture, TURNS[orientation])
    if dpi and orientation in TURNS and orientation >= FIRST_SIDEWAYS:
        dpi = dpi[::-1]
    if CMYK_CONVERTED not in picture.remarks:  # which has lost its profile
        picture = dataclasses.replace(picture, icc=info.get("icc_profile") or None)
    picture = dataclasses.replace(_mapped(picture, np.ascontiguousarray), dpi=dpi)
    lost = left_out(exif, info, texts)
    if lost:
        picture = picture.remarked(lost)
    colours = [tag for tag in tiff.COLOURS if tiff.TAG[tag] in exif]
    if colours and picture.kind == "TIFF" and picture.icc is None:
        picture = picture.remarked(f"Colour information was left out ({', '.join(colours)}).")
    if not own:
        return picture
    try:
        stored = Exif.read(own)
        kept = portable_exif(stored)
    except (ValueError, struct.error):
        return picture.remarked("The EXIF data are damaged and were left out.")
    if stored.is_damaged:
        picture = picture.remarked("Some EXIF tags are damaged and were left out.")
    return dataclasses.replace(picture, exif=kept)


def _mapped(picture: Picture, change: Change) -> Picture:
    alpha = None if picture.alpha is None else change(picture.alpha)
    return dataclasses.replace(picture, pixels=change(picture.pixels), alpha=alpha)
