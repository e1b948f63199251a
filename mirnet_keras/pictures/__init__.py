"""Picture files with all that is in them: pixels, transparency, depth, EXIF, profile, density."""

from mirnet_keras.pictures.picture import MAX_PIXELS, Picture
from mirnet_keras.pictures.reading import decode_picture, picture_kind, read_picture
from mirnet_keras.pictures.writing import (
    check_side,
    encode_picture,
    output_suffix,
    write_picture,
)

__all__ = [
    "MAX_PIXELS",
    "Picture",
    "check_side",
    "decode_picture",
    "encode_picture",
    "output_suffix",
    "picture_kind",
    "read_picture",
    "write_picture",
]
