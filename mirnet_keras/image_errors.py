"""What reading and writing pictures can end with."""

OPENCV_NO_MEMORY = -4  # cv2.Error.StsNoMem


# What raw files of cameras that are no TIFF files begin with, and where that begins.
RAW_SIGNATURES = (
    (0, b"IIRO"),
    (0, b"IIRS"),
    (0, b"MMOR"),
    (0, b"IIU\0"),
    (0, b"FUJIFILMCCD-RAW"),
    (0, b"FOVb"),
    (0, b"\0MRM"),
    (4, b"ftypcrx "),
    (6, b"HEAPCCDR"),
)


class ImageError(ValueError):
    """A picture cannot be read, written or used; the message says why and what to do."""


def lack_of_memory(task: str) -> ImageError:
    """The error for a picture that the memory does not suffice to read or write."""
    return ImageError(
        f"The memory does not suffice to {task}. Close other programs, or use a smaller picture."
    )


def lacks_memory(error: Exception) -> bool:
    """Whether an error of numpy, Pillow or OpenCV means that memory was missing."""
    return isinstance(error, MemoryError) or getattr(error, "code", None) == OPENCV_NO_MEMORY


def not_a_picture(data: bytes, name: str) -> ImageError:
    """The error for bytes that are no picture file."""
    if not data:
        return ImageError(f"'{name}' is empty. Copy or download it again.")
    if any(data.startswith(start, place) for place, start in RAW_SIGNATURES):
        return raw_photo(name)
    return ImageError(
        f"'{name}' is not a picture in a format that can be read (PNG, JPEG, WebP, BMP, TIFF). "
        "Convert it to PNG or JPEG first."
    )


def raw_photo(name: str) -> ImageError:
    """Return the error for a raw file of a camera."""
    return ImageError(
        f"'{name}' is a raw file of a camera, or holds only a preview as its first picture. "
        "Develop it with a raw converter, save it as a 16-bit TIFF or PNG, and restore that."
    )
