"""EXIF data and density: out of a file, and fitted to a result of another size."""

import math

from PIL import ExifTags, Image

ORIENTATION = ExifTags.Base.Orientation
# Tags that say how a TIFF file stores its pixels, or hold what is kept or dropped elsewhere: they
# are wrong in any other file.
STRUCTURE = {
    *range(254, 270),
    *range(273, 274),
    *range(277, 285),
    *range(288, 293),
    *range(296, 298),
    *range(317, 348),
    *range(512, 533),
    700,  # XMP
    33723,  # IPTC
    34377,  # Photoshop
    34675,  # profile
    ORIENTATION,
}
MOST_DPI = 1e5


def portable_exif(exif: Image.Exif) -> bytes | None:
    """EXIF data without orientation, thumbnail and what describes the old file's structure."""
    for tag in STRUCTURE & set(exif):
        del exif[tag]
    return exif.tobytes() if len(exif) else None


def exif_for(data: bytes | None, size: tuple[int, int]) -> Image.Exif:
    """EXIF data for a picture of another size.

    Args:
        data: what `portable_exif` gave; None for none.
        size: (height, width) of the picture it will stand in.
    """
    exif = Image.Exif()
    exif.load(data or b"")
    # Asking for a folder of tags that is not there would make an empty one.
    details = exif.get_ifd(ExifTags.IFD.Exif) if ExifTags.IFD.Exif in exif else {}
    for tag, side in (
        (ExifTags.Base.ExifImageHeight, size[0]),
        (ExifTags.Base.ExifImageWidth, size[1]),
    ):
        if tag in details:
            details[tag] = side
    return exif


def checked_dpi(dpi) -> tuple[float, float] | None:
    """A density that can be meant, else None."""
    try:
        across, down = (float(value) for value in dpi)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    if not all(math.isfinite(value) and 1 <= value <= MOST_DPI for value in (across, down)):
        return None
    return across, down
