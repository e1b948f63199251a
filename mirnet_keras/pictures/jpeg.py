"""What JPEG files hold beside their picture, and whether that is whole."""

import re

from mirnet_keras.image_errors import ImageError

START, END = b"\xff\xd8", b"\xff\xd9"
SCAN = 0xDA
MARKER_IN_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
GAIN_MAPS = (b"hdrgm:", b"hdrgainmap", b"HDRGainMap", b"urn:iso:std:iso:ts:21496")
PADDING = re.compile(r"\d+ extraneous bytes before marker 0xd9")
DAMAGE = ("Corrupt JPEG data", "Premature end")
POSSIBLY_DAMAGED = (
    "There are bytes behind the pixels that belong to nothing: the picture may be damaged."
)


def damage(data: bytes) -> str | None:
    """Return in what way the compressed pixels are damaged, as libjpeg says it; None if whole."""
    import simplejpeg

    try:
        simplejpeg.decode_jpeg(data, "GRAY", min_height=1, min_width=1, min_factor=8)
    except ValueError as error:
        return str(error) if str(error).startswith(DAMAGE) else None
    return None


def check(data: bytes, name: str, *, keep: bool) -> tuple[str, ...]:
    """Return remarks about damage.

    Args:
        data: the whole file.
        name: what the error calls it.
        keep: whether a damaged picture is allowed.

    Raises:
        ImageError: for a damaged picture that is not allowed.
    """
    found = damage(data)
    if found is None:
        return ()
    if PADDING.search(found):  # cameras write such bytes, too
        return (POSSIBLY_DAMAGED,)
    if keep:
        return (f"The file is damaged ({found}): parts of the picture are wrong.",)
    raise ImageError(
        f"'{name}' is damaged or cut short ({found}). Copy or download it again, or allow damage "
        '(`damaged="keep"`, --damaged keep).'
    )


def left_out(data: bytes) -> tuple[str, ...]:
    """Return sentences about pictures and clips that follow the first picture in the file."""
    rest = data[_end(data) :]
    remarks = []
    if START + b"\xff" in rest:
        has_map = any(name in data for name in GAIN_MAPS)
        remarks.append(
            "The gain map for HDR screens was left out."
            if has_map
            else "Further pictures in the file (second view, preview or gain map) were left out."
        )
    if b"ftyp" in rest:
        remarks.append("The motion clip in the file was left out.")
    return tuple(remarks)


def _end(data: bytes) -> int:
    """Return where the first picture ends."""
    place = len(START)
    while place + 4 <= len(data):
        if data[place : place + 2] == END:
            return place + 2
        if data[place] != 0xFF or data[place + 1] == 0xFF:  # bytes between segments
            place += 1
            continue
        is_scan = data[place + 1] == SCAN
        place += 2 + int.from_bytes(data[place + 2 : place + 4])
        if is_scan:
            found = MARKER_IN_SCAN.search(data, place)
            place = found.start() if found else len(data)
    return place + 2 if data[place : place + 2] == END else len(data)
