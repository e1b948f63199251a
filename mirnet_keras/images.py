"""Pictures on disk and in memory: read, write, change depth, luma, crop and pad.

An image is an array (height, width, 3), RGB. Its dtype tells its scale: uint8 is 0..255, uint16 is
0..65535, float is 0..1. This module needs numpy and Pillow, OpenCV only to write
files and to read deep ones, and no Keras.
"""

import contextlib
import io
import os
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, TiffImagePlugin, UnidentifiedImageError

from mirnet_keras.files import write_whole
from mirnet_keras.image_errors import (
    ImageError,
    lack_of_memory,
    lacks_memory,
    not_a_picture,
    raw_photo,
)

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
DEEP_SUFFIXES = (".png", ".tif", ".tiff")  # formats that hold 16 bits a sample
TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
BIG_TIFF = 43  # the version number of files with 64-bit offsets
TIFF_BITS_PER_SAMPLE, SAMPLES, PLANAR_CONFIGURATION, PLANES = 258, 277, 284, 2  # tags, and a value
PNG_DEPTH_OFFSET = 24  # of the bit depth in a PNG file: signature 8, chunk head 8, sizes 8 bytes
NEW_SUBFILE_TYPE, SUBFILE_TYPE, PHOTOMETRIC, SUB_FOLDERS = 254, 255, 262, 330  # tags
PREVIEW = 1  # flag of NewSubfileType
RAW_TAGS = {33421, 33422, 50706}  # pattern of a sensor's colours, version of DNG
RAW_PHOTOMETRICS = (32803, 34892)  # colour filter array, linear raw
CANON_RAW = b"CR"
LUMA_WEIGHTS = (65.481, 128.553, 24.966)  # BT.601 studio swing: Y is 16..235 for RGB in 0..1
LUMA_OFFSET = 16.0


def read_image(path: str | os.PathLike) -> np.ndarray:
    """Reads a picture file as RGB.

    The file's content decides the format, not its suffix. Grey becomes three equal channels,
    alpha is dropped (not blended), the EXIF orientation is applied; of an animation the first
    frame is taken. JPEG is decoded with the accurate DCT.

    Args:
        path: a PNG, JPEG, WebP, BMP or TIFF file, or what else Pillow reads.

    Returns:
        Array (height, width, 3): uint8; uint16 for a 16-bit file; float32 for a float TIFF,
        whose values come as they are stored.

    Raises:
        FileNotFoundError: when there is no such file.
        ImageError: for a directory, and for a file that is broken, cut short, no picture, or
            larger than Pillow takes (179 million pixels).
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(f"There is no picture at '{path}'. Check the path.") from None
    except IsADirectoryError:
        raise ImageError(f"'{path}' is a folder. Give the path of one picture in it.") from None
    except OSError as error:
        raise ImageError(
            f"'{path}' cannot be opened: {error.strerror}. Check the path and its permissions."
        ) from error
    return decode_image(data, str(path))


def decode_image(data: bytes, name: str = "picture") -> np.ndarray:
    """Decodes the bytes of a picture file, as `read_image` does.

    Args:
        data: the whole file.
        name: what error messages call it.

    Raises:
        ImageError: when the bytes are no picture, broken or cut short, or the memory is too small.
    """
    try:
        return _decoded(data, name)
    except MemoryError as error:
        raise lack_of_memory(f"read '{name}'") from error


def _decoded(data: bytes, name: str) -> np.ndarray:
    """What `decode_image` gives; lack of memory is a MemoryError here."""
    try:
        refuse_raw(data, name)
        with Image.open(io.BytesIO(data)) as picture:
            picture.load()  # raises where the file is cut short; OpenCV would go on
            upright = ImageOps.exif_transpose(picture)
            if upright.mode == "F":  # grey float TIFF, which OpenCV refuses as colour
                return np.repeat(np.array(upright)[..., None], 3, axis=-1)
            if not _is_deep(picture, data):
                return np.array(upright.convert("RGB"))
    except UnidentifiedImageError:
        if not data.startswith(TIFF_SIGNATURES):  # Pillow knows no float colour TIFF
            raise not_a_picture(data, name) from None
    except Image.DecompressionBombError as error:
        raise ImageError(f"'{name}' has too many pixels ({error}). Cut it into parts.") from None
    except (MemoryError, ImageError):
        raise
    except Exception as error:  # on broken files Pillow's decoders raise nearly anything
        raise ImageError(
            f"'{name}' is broken or cut short ({error}). Copy or download it again."
        ) from error
    import cv2

    deep = decode_deep(data, name, cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR)
    return np.ascontiguousarray(deep[..., ::-1])


def decode_deep(data: bytes, name: str, flags: int) -> np.ndarray:
    """Decodes a file of 16 bits or floats with OpenCV, which keeps its depth.

    Args:
        data: the whole file.
        name: what error messages call it.
        flags: of `cv2.imdecode`.

    Returns:
        What OpenCV gives, colours as BGR: uint16 or float32.

    Raises:
        ImageError: where OpenCV cannot, for other depths, and for TIFF files whose colours lie in
            planes, which OpenCV would take for pixels.
    """
    if _lies_in_planes(data):
        raise ImageError(
            f"'{name}' is a TIFF file of deep colours in planes, which is not read. Save it with "
            "interleaved colours, or as a 16-bit PNG."
        )
    import cv2

    former = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        array = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        if lacks_memory(error):
            raise lack_of_memory(f"read '{name}'") from error
        array = None
    finally:
        cv2.utils.logging.setLogLevel(former)
    if array is None or array.dtype not in (np.uint16, np.float32, np.float64):
        raise ImageError(
            f"'{name}' is broken, cut short or of a kind that cannot be read (16-bit integers and "
            "floats can). Save it again as a 16-bit PNG."
        )
    return array if array.dtype == np.uint16 else array.astype(np.float32)


def _lies_in_planes(data: bytes) -> bool:
    """Whether the bytes are a TIFF file that holds one colour after the other."""
    if not data.startswith(TIFF_SIGNATURES):
        return False
    with contextlib.suppress(Exception):  # on broken files; decoding them says what is wrong
        tags = tiff_tags(data)
        return tags.get(SAMPLES, 1) > 1 and tags.get(PLANAR_CONFIGURATION, 1) == PLANES
    return False


def tiff_tags(data: bytes) -> TiffImagePlugin.ImageFileDirectory_v2:
    """The tags of a TIFF file's first page; `next` is where those of the second are, 0 for none."""
    head = TiffImagePlugin.ImageFileDirectory_v2(data[: 16 if BIG_TIFF in data[2:4] else 8])
    return _tags_at(data, head.next)


def tiff_pages(data: bytes) -> list[TiffImagePlugin.ImageFileDirectory_v2]:
    """Return the tags of the pages that follow each other in a TIFF file."""
    pages, seen = [tiff_tags(data)], {0}
    while pages[-1].next not in seen:
        seen.add(pages[-1].next)
        pages.append(_tags_at(data, pages[-1].next))
    return pages


def _tags_at(data: bytes, place: int) -> TiffImagePlugin.ImageFileDirectory_v2:
    tags = TiffImagePlugin.ImageFileDirectory_v2(data[: 16 if BIG_TIFF in data[2:4] else 8])
    stream = io.BytesIO(data)
    stream.seek(place)
    tags.load(stream)
    return tags


def refuse_raw(data: bytes, name: str) -> None:
    """Raise where a TIFF file is a camera's raw file, or its first page only a preview.

    Raises:
        ImageError: saying what to do.
    """
    if data.startswith(TIFF_SIGNATURES) and _is_raw(data):
        raise raw_photo(name)


def _is_raw(data: bytes) -> bool:
    if data[8:10] == CANON_RAW:
        return True
    with contextlib.suppress(Exception):  # on broken files; decoding them says what is wrong
        pages = tiff_pages(data)
        inner = np.atleast_1d(pages[0].get(SUB_FOLDERS, ()))
        others = pages[1:] + [_tags_at(data, int(place)) for place in inner]
        is_preview = pages[0].get(NEW_SUBFILE_TYPE, 0) & PREVIEW or pages[0].get(SUBFILE_TYPE) == 2
        return bool(is_preview and others) or any(
            RAW_TAGS & set(tags) or tags.get(PHOTOMETRIC) in RAW_PHOTOMETRICS
            for tags in [pages[0], *others]
        )
    return False


def write_image(path: str | os.PathLike, image: np.ndarray) -> None:
    """Writes a picture in the format that the suffix names.

    The file appears complete or not at all: it is written under a temporary name in the same
    folder and then renamed; an older file of that name is replaced. A missing folder is created.
    JPEG is written at quality 95 without chroma subsampling, WebP without loss.

    Args:
        path: ends in .png, .jpg, .jpeg, .webp, .bmp, .tif or .tiff.
        image: (height, width, 3) RGB. uint8; uint16, which stays so in PNG and TIFF and becomes
            8-bit in the others; or float in 0..1, clipped and written as 8-bit.

    Raises:
        ImageError: for an unknown suffix, another shape or dtype, NaN, or a path that cannot be
            written.
    """
    path = Path(path)
    write_bytes(path, encode_image(image, path.suffix))


def write_bytes(path: Path, data: bytes) -> None:
    """Writes a picture file whole, with its folder.

    Raises:
        ImageError: where that cannot be; an older file stays as it was.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, lambda temporary: temporary.write_bytes(data))
    except OSError as error:
        raise ImageError(
            f"'{path}' cannot be written: {error.strerror}. Choose another place."
        ) from error


def encode_image(image: np.ndarray, suffix: str) -> bytes:
    """Encodes a picture as the bytes of a file, as `write_image` writes them.

    Raises:
        ImageError: for an unknown suffix, another shape or dtype, or NaN.
    """
    import cv2

    suffix = suffix.lower()
    if suffix not in SUFFIXES:
        raise ImageError(
            f"Pictures cannot be written as '{suffix}'. Use one of {', '.join(SUFFIXES)}."
        )
    if image.ndim != 3 or image.shape[-1] != 3 or image.size == 0:
        raise ImageError(f"A picture is (height, width, 3), not empty. Received {image.shape}.")
    options = []
    if suffix in (".jpg", ".jpeg"):
        options = [cv2.IMWRITE_JPEG_QUALITY, 95]
        options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    try:
        if image.dtype != np.uint16 or suffix not in DEEP_SUFFIXES:
            image = to_uint8(image)
        done, encoded = cv2.imencode(suffix, np.ascontiguousarray(image[..., ::-1]), options)
    except (cv2.error, MemoryError) as error:
        if lacks_memory(error):
            raise lack_of_memory(f"write {image.shape[1]} x {image.shape[0]} pixels") from error
        done = False
    if not done:
        raise ImageError(
            f"A picture of {image.shape[1]} x {image.shape[0]} pixels cannot be written as "
            f"'{suffix}'. Use .png."
        )
    return encoded.tobytes()


def to_float(image: np.ndarray) -> np.ndarray:
    """Converts an image of any shape to float32: uint8 / 255, uint16 / 65535, float unchanged.

    Raises:
        ImageError: for another dtype.
    """
    if np.issubdtype(image.dtype, np.floating):
        return image.astype(np.float32)
    return image.astype(np.float32) / np.float32(_peak(image.dtype))


def to_uint8(image: np.ndarray) -> np.ndarray:
    """Converts an image to uint8, clipped and rounded half up; uint8 comes back as it is.

    Raises:
        ImageError: for a dtype that is no image's, or NaN.
    """
    return to_dtype(image, np.uint8)


def to_dtype(image: np.ndarray, dtype: np.dtype | type | str) -> np.ndarray:
    """Converts an image to the dtype of another, so that the output's depth follows the input's.

    Args:
        image: any shape; float in 0..1 (values outside are clipped), uint8 or uint16.
        dtype: uint8 or uint16, rounded half up, or a float type, which gives 0..1.

    Raises:
        ImageError: for another dtype on either side, or NaN.
    """
    dtype = np.dtype(dtype)
    peak = _peak(dtype)
    if image.dtype == dtype and peak > 1:
        return image
    scaled = to_float(image)
    if np.isnan(scaled).any():
        raise ImageError("The image holds NaN, which is no brightness. Look at what made it.")
    scaled = np.clip(scaled, 0, 1)
    if peak == 1:
        return scaled.astype(dtype)
    return np.floor(scaled * np.float32(peak) + np.float32(0.5)).astype(dtype)


def luma(image: np.ndarray) -> np.ndarray:
    """Returns Y of BT.601 in studio swing, not rounded, as super-resolution papers measure it.

    Y = 16 + (65.481 R + 128.553 G + 24.966 B) / 255 for R, G, B in 0..255: MATLAB's rgb2ycbcr.

    Args:
        image: (..., 3) RGB; uint8, uint16, or float in 0..1.

    Returns:
        float64 (...) in the image's own scale: 16..235 for uint8, 16/255..235/255 for float.

    Raises:
        ImageError: when the last axis is not 3, or for another dtype.
    """
    if image.shape[-1:] != (3,):
        raise ImageError(f"Luma needs RGB, (..., 3). Received shape {image.shape}.")
    unit = _peak(image.dtype) / 255
    return LUMA_OFFSET * unit + image.astype(np.float64) @ np.array(LUMA_WEIGHTS) / 255


def crop_to_multiple(image: np.ndarray, multiple: int) -> np.ndarray:
    """Cuts rows at the bottom and columns at the right until both sizes are multiples.

    Args:
        image: (height, width, channels) or (batch, height, width, channels).
        multiple: at least 1.

    Returns:
        A view of the image's top-left part ("modcrop").

    Raises:
        ImageError: when a side is shorter than `multiple`.
    """
    height, width = image.shape[-3:-1]
    if min(height, width) < multiple:
        raise ImageError(
            f"An image of {width} x {height} pixels has no part whose sides are multiples of "
            f"{multiple}. Use a larger image."
        )
    return image[..., : height - height % multiple, : width - width % multiple, :]


def pad_to_multiple(image: np.ndarray, multiple: int, smallest: int = 1) -> np.ndarray:
    """Adds rows at the bottom and columns at the right until both sizes are multiples.

    What is added mirrors the image about its last row and column (without repeating them). Where
    a side is too short for that, its last row or column is repeated.

    Args:
        image: (height, width, channels) or (batch, height, width, channels).
        multiple: at least 1.
        smallest: what both sizes are at least, itself a multiple.
    """
    for axis in (-3, -2):
        size = image.shape[axis]
        amount = max(-size % multiple, smallest - size)
        if amount:
            widths = [(0, 0)] * image.ndim
            widths[axis] = (0, amount)
            image = np.pad(image, widths, mode="reflect" if amount < size else "edge")
    return image


def list_images(folder: str | os.PathLike) -> list[Path]:
    """Returns the sorted paths of the picture files in a folder, not in its subfolders.

    Picture files end in .bmp, .jpeg, .jpg, .png, .tif, .tiff or .webp in any case; hidden files
    are left out.

    Raises:
        ImageError: when the folder is missing, is no folder, or holds no picture.
    """
    folder = Path(folder)
    if not folder.is_dir():
        fault = "is a file, not a folder" if folder.exists() else "does not exist"
        raise ImageError(f"'{folder}' {fault}. Give the path of a folder with pictures.")
    found = [path for path in folder.iterdir() if _is_picture_file(path)]
    if not found:
        raise ImageError(f"'{folder}' holds no picture file ({', '.join(SUFFIXES)}).")
    return sorted(found, key=lambda path: path.name)


def _is_picture_file(path: Path) -> bool:
    """Says by name and kind; the content is not looked at."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()


def _peak(dtype: np.dtype) -> int:
    """Returns what stands for full brightness in images of this dtype."""
    if np.issubdtype(dtype, np.floating):
        return 1
    if dtype not in (np.uint8, np.uint16):
        raise ImageError(f"An image is uint8, uint16 or float. Received dtype {dtype}.")
    return np.iinfo(dtype).max


def _is_deep(picture: Image.Image, data: bytes) -> bool:
    """Tells files with more than 8 bits a sample, of which Pillow would keep 8."""
    if picture.format == "PNG":
        return data[PNG_DEPTH_OFFSET] > 8
    if picture.format == "TIFF":
        bits = picture.getexif().get(TIFF_BITS_PER_SAMPLE, (1,))
        return max(np.atleast_1d(bits)) > 8
    return picture.mode.startswith(("I", "F"))
