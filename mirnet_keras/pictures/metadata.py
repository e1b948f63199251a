"""EXIF data and density: out of a file, and fitted to a result of another size."""

import math
from collections.abc import Collection

from PIL import ExifTags, Image

from mirnet_keras.pictures.exif import LONG, PREFIX, SHORT, Exif

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
LEFT_OUT_TAGS = {700: "XMP", 33723: "IPTC", 34377: "Photoshop"}
PHOTOSHOP_IPTC = 0x0404  # in the Photoshop data of a JPEG file
XMP_TEXT = "XML:com.adobe.xmp"
RAW_PROFILE = "Raw profile type "  # begins the names under which PNG files hold other metadata


def left_out(exif: Image.Exif, info: dict, texts: Collection[str]) -> str | None:
    """The sentence about what of a file is not kept; None where nothing is lost.

    Args:
        exif: of the file.
        info: what Pillow says of the file.
        texts: names of the texts in a PNG file.
    """
    kinds = {kind for tag, kind in LEFT_OUT_TAGS.items() if tag in exif}
    if info.get("xmp") or {XMP_TEXT, RAW_PROFILE + "xmp"} & set(texts):
        kinds.add("XMP")
    if RAW_PROFILE + "iptc" in texts or PHOTOSHOP_IPTC in (info.get("photoshop") or {}):
        kinds.add("IPTC")
    if "comment" in info or any(not name.startswith((XMP_TEXT, RAW_PROFILE)) for name in texts):
        kinds.add("texts")
    if not kinds:
        return None
    *others, last = sorted(kinds, key=str.lower)
    return f"Left out of the metadata: {', '.join(others) + ' and ' if others else ''}{last}."


def portable_exif(exif: Exif) -> bytes | None:
    """Return EXIF data without orientation, thumbnail and what describes the old file."""
    for tag in STRUCTURE & set(exif.tags):
        del exif.tags[tag]
    return PREFIX + exif.write() if exif.tags else None


def exif_for(data: bytes | None, size: tuple[int, int]) -> Exif:
    """Return EXIF data for a picture of another size.

    Args:
        data: what `portable_exif` gave; None for none.
        size: (height, width) of the picture it will stand in.
    """
    exif = Exif.read(data) if data else Exif()
    details = exif.tags.get(ExifTags.IFD.Exif, {})
    for tag, side in (
        (ExifTags.Base.ExifImageHeight, size[0]),
        (ExifTags.Base.ExifImageWidth, size[1]),
    ):
        if tag in details:
            details[tag] = exif.number(LONG, side)
    return exif


def names_adobe_rgb(data: bytes | None) -> bool:
    """Return True if EXIF data say that the colours are those of Adobe RGB."""
    exif = exif_for(data, (0, 0))
    details = exif.tags.get(ExifTags.IFD.Exif, {})
    _, space = details.get(ExifTags.Base.ColorSpace, (SHORT, b""))
    _, index = details.get(ExifTags.IFD.Interop, {}).get(1, (2, b""))
    return space == exif.number(SHORT, 2)[1] or index.startswith(b"R03")


def checked_dpi(dpi) -> tuple[float, float] | None:
    """A density that can be meant, else None."""
    try:
        across, down = (float(value) for value in dpi)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    if not all(math.isfinite(value) and 1 <= value <= MOST_DPI for value in (across, down)):
        return None
    return across, down
