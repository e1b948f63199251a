"""Files of many kinds, each with what is kept, said or refused."""

import dataclasses
import io
import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image, TiffImagePlugin

from mirnet_keras.image_errors import ImageError
from mirnet_keras.images import decode_image
from mirnet_keras.pictures import Picture, check_side, decode_picture, encode_picture
from mirnet_keras.pictures.exif import Exif
from mirnet_keras.pictures.png import SIGNATURE, chunk

MARKS = "© Zoë Müller".encode()
GAMMA = (b"gAMA", struct.pack(">I", 100_000))
PRIMARIES = (b"cHRM", struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000))
SRGB = (b"sRGB", b"\0")
PQ = (b"cICP", b"\x09\x10\0\1")
MASTERING = (b"mDCV", bytes(24))
LIGHT = (b"cLLI", bytes(8))


def scene(height=96, width=144):
    rows, columns = np.mgrid[:height, :width]
    waves = 127 + 100 * np.sin(rows / 9) * np.cos(columns / 13)
    ramps = 255 * rows / height, 255 - 200 * columns / width
    return np.stack([waves, *ramps], -1).astype(np.uint8)


def saved(kind, samples=None, **options):
    file = io.BytesIO()
    Image.fromarray(scene() if samples is None else samples).save(file, kind, **options)
    return file.getvalue()


def tiff(*pages):
    """A TIFF file of (samples, options) pages."""
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for samples, options in pages:
            writer.write(samples, metadata=None, **options)
    return file.getvalue()


def with_chunks(*chunks, dtype=np.uint8):
    data, _ = encode_picture(Picture(scene().astype(dtype)), ".png")
    return data[:33] + b"".join(chunk(*one) for one in chunks) + data[33:]


def chunk_names(data):
    place, names = len(SIGNATURE), []
    while place < len(data):
        names.append(data[place + 4 : place + 8])
        place += 12 + int.from_bytes(data[place : place + 4])
    return names


SMALL, LARGE = scene(16, 24), scene()
SENSOR = np.arange(96 * 144, dtype=np.uint16).reshape(96, 144)
PREVIEW = {"photometric": "rgb", "subfiletype": 1}
CFA = {"photometric": 32803, "extratags": [(33421, 3, 2, (2, 2), True)]}
RAW_FILES = {
    "preview and sensor inside": tiff((SMALL, {**PREVIEW, "subifds": 1}), (SENSOR, CFA)),
    "preview and sensor behind": tiff((SMALL, PREVIEW), (SENSOR, CFA)),
    "preview and colours behind": tiff((SMALL, PREVIEW), (LARGE, {"photometric": "rgb"})),
    "picture and sensor inside": tiff((LARGE, {"photometric": "rgb", "subifds": 1}), (SENSOR, CFA)),
    "sensor alone": tiff((SENSOR, CFA)),
    "linear DNG": tiff((LARGE.astype(np.uint16), {"photometric": 34892})),
    "DNG of colours": tiff(
        (LARGE, {"photometric": "rgb", "extratags": [(50706, 1, 4, (1, 4, 0, 0), True)]})
    ),
    "CR2": b"II*\0\x10\0\0\0CR\2\0" + bytes(100),
    "CR3": b"\0\0\0\x18ftypcrx " + bytes(100),
    "RAF": b"FUJIFILMCCD-RAW 0201" + bytes(100),
    "ORF": b"IIRO\x08\0\0\0" + bytes(100),
    "RW2": b"IIU\0\x18\0\0\0" + bytes(100),
}


@pytest.mark.parametrize("read", [decode_picture, decode_image])
@pytest.mark.parametrize("kind", RAW_FILES)
def test_raw_files_of_cameras_are_refused(kind, read):
    with pytest.raises(ImageError, match=r"raw file .*Develop"):
        read(RAW_FILES[kind])


def test_pages_behind_thumbnails_are_seen():
    page = {"photometric": "rgb"}
    with pytest.raises(ImageError, match="several pages"):
        decode_picture(tiff((LARGE, page), (SMALL, PREVIEW), (LARGE, page)))
    np.testing.assert_array_equal(
        decode_picture(tiff((LARGE, page), (SMALL, PREVIEW), (SMALL, PREVIEW))).pixels, LARGE
    )


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt", b"tEXt", b"iCCP"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_large_texts_and_profiles_of_png_files(kind, dtype):
    text = b"workflow " * 400_000
    packed = zlib.compress(text)
    head = {b"zTXt": b"a\0\0", b"iTXt": b"a\0\1\0\0\0", b"tEXt": b"a\0", b"iCCP": b"a\0\0"}[kind]
    content = head + (text if kind == b"tEXt" else packed)
    picture = decode_picture(with_chunks((kind, content), dtype=dtype))
    np.testing.assert_array_equal(picture.pixels, LARGE.astype(dtype))
    assert picture.icc == (text if kind == b"iCCP" else None)
    assert picture.remarks == (() if kind == b"iCCP" else ("Left out of the metadata: texts.",))


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
def test_our_own_results_with_large_profiles_are_read(suffix):
    profile = bytes(1_500_000)
    data, _ = encode_picture(Picture(scene(), icc=profile), suffix)
    assert decode_picture(data).icc == profile


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("colours", [[GAMMA], [PRIMARIES], [SRGB], [PQ], [PQ, MASTERING, LIGHT]])
def test_colours_of_png_files_stay(colours, dtype):
    picture = decode_picture(with_chunks(*colours, dtype=dtype))
    data, remarks = encode_picture(picture, ".png")
    assert decode_picture(data).colours == tuple(colours)
    assert remarks == ()
    assert chunk_names(data).index(colours[0][0]) < chunk_names(data).index(b"IDAT")
    for suffix in (".jpg", ".webp", ".tif", ".bmp"):
        _, remarks = encode_picture(picture, suffix)
        lost = [name.decode() for name, _ in colours if name != b"sRGB"]
        assert all(name in " ".join(remarks) for name in lost)
        assert bool(remarks) == bool(lost)


def test_colours_of_tiff_files_that_are_lost_are_said():
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[318] = (0.3127, 0.329)
    tags.tagtype[318] = 5
    (remark,) = decode_picture(saved("TIFF", tiffinfo=tags)).remarks
    assert "WhitePoint" in remark


@pytest.mark.parametrize("space", [{0xA001: (3, b"\2\0")}, {0xA005: {1: (2, b"R03\0")}}])
def test_adobe_rgb_goes_only_with_a_word(space):
    exif = Exif("<", {0x8769: space}).write()
    picture = decode_picture(saved("JPEG", exif=b"Exif\0\0" + exif))
    assert picture.remarks == ()
    (remark,) = picture.without_metadata().remarks
    assert "Adobe RGB" in remark


def bmp(alpha):
    height, width = SMALL.shape[:2]
    pixels = np.dstack([SMALL[::-1, :, ::-1], np.full((height, width), alpha, np.uint8)]).tobytes()
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    size = len(pixels)
    head = struct.pack("<IiiHHIIiiII", 108, width, height, 1, 32, 3, size, 1, 1, 0, 0) + masks
    return b"BM" + struct.pack("<IHHI", 122 + size, 0, 0, 122) + head.ljust(108, b"\0") + pixels


@pytest.mark.parametrize("alpha", [0, 7, 255])
def test_an_unused_alpha_of_bmp_files_is_opaque(alpha):
    picture = decode_picture(bmp(alpha))
    np.testing.assert_array_equal(picture.pixels, SMALL)
    if alpha:
        assert (picture.alpha == alpha).all()
    else:
        assert picture.alpha is None


JPEG_KINDS = {
    "plain": {},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_blocks": 4},
}


def damaged_jpeg(way, **options):
    data = saved("JPEG", quality=92, subsampling=0, **options)
    half = len(data) // 2
    return {
        "half": data[:half] + b"\xff\xd9",
        "hole": data[:half] + bytes(700) + data[half + 700 :],
        "no end": data[:-2],
    }[way]


@pytest.mark.parametrize("kind", JPEG_KINDS)
@pytest.mark.parametrize("way", ["half", "hole", "no end"])
def test_damaged_jpeg_files_are_refused_or_kept_with_a_word(way, kind):
    data = damaged_jpeg(way, **JPEG_KINDS[kind])
    with pytest.raises(ImageError, match="damaged|cut short"):
        decode_picture(data)
    picture = decode_picture(data, damaged="keep")
    assert picture.pixels.shape == LARGE.shape
    assert "damaged" in picture.remarks[0]


@pytest.mark.parametrize("mode", ["L", "CMYK", "RGB"])
@pytest.mark.parametrize("kind", JPEG_KINDS)
def test_whole_jpeg_files_are_not_called_damaged(mode, kind):
    file = io.BytesIO()
    Image.fromarray(scene()).convert(mode).save(file, "JPEG", **JPEG_KINDS[kind])
    for data in (file.getvalue(), file.getvalue() + b"\0\0trailer"):
        assert not any("damage" in remark for remark in decode_picture(data).remarks)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "BMP", "GIF"])
def test_files_cut_in_the_middle_are_refused(kind):
    data = saved(kind)
    with pytest.raises(ImageError, match="damaged|broken|cut short"):
        decode_picture(data[: len(data) // 2])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_changed_byte_of_a_png_file_is_seen(dtype):
    data = bytearray(with_chunks(dtype=dtype))
    data[len(data) // 2] ^= 255
    with pytest.raises(ImageError, match="broken"):
        decode_picture(bytes(data))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("compression", ["zlib", "lzw"])
def test_a_hole_in_a_compressed_tiff_file_is_seen(dtype, compression):
    pytest.importorskip("imagecodecs" if compression == "lzw" else "zlib")
    data = tiff((LARGE.astype(dtype), {"photometric": "rgb", "compression": compression}))
    half = len(data) // 2
    with pytest.raises(ImageError, match="broken"):
        decode_picture(data[:half] + bytes(200) + data[half + 200 :])


def mpo(second):
    file = io.BytesIO()
    Image.fromarray(LARGE).save(file, "MPO", save_all=True, append_images=[Image.fromarray(second)])
    return file.getvalue()


CLIP = b"\0\0\0\x18ftypmp42\0\0\0\0isommp42" + bytes(500)
ADDITIONS = {
    "second view": (mpo(LARGE), "Further pictures"),
    "gain map": (saved("JPEG") + saved("JPEG", SMALL, xmp=b"<a hdrgm:Version='1'/>"), "gain map"),
    "clip of Google": (saved("JPEG") + CLIP, "motion clip"),
    "clip of Samsung": (saved("JPEG") + b"\0\0MotionPhoto_Data" + CLIP, "motion clip"),
    "clip, progressive": (saved("JPEG", progressive=True) + CLIP, "motion clip"),
}


@pytest.mark.parametrize("kind", ADDITIONS)
def test_what_follows_a_jpeg_picture_is_said(kind):
    data, words = ADDITIONS[kind]
    (*_, remark) = decode_picture(data).remarks
    assert words in remark
    assert remark.endswith("left out.")


@pytest.mark.parametrize(("low", "high"), [(0, 4.5), (-0.5, 1)])
def test_values_that_a_float_file_has_beyond_white_and_black_are_said(low, high):
    samples = np.linspace(low, high, 16 * 24 * 3, dtype=np.float32).reshape(16, 24, 3)
    (remark,) = decode_picture(tiff((samples, {"photometric": "rgb"}))).remarks
    assert f"{low} to {high}" in remark
    inside = decode_picture(tiff((np.clip(samples, 0, 1), {"photometric": "rgb"})))
    assert inside.remarks == ()


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_exif_data_stay_byte_for_byte(order, suffix, dtype):
    note, comment = bytes(range(256)) * 2, b"UNICODE\0" + "Zoë".encode("utf-16-le")
    details = {0x927C: (7, note), 0x9286: (7, comment), 0xA434: (2, MARKS + b"\0")}
    stored = Exif(order, {0x8298: (2, MARKS + b"\0"), 0x8769: details}, note_place=1000)
    stored.tags |= {0x0112: stored.number(3, 6), 0x8825: {1: (2, b"N\0")}}
    source = saved("JPEG", exif=b"Exif\0\0" + stored.write())
    picture = decode_picture(source)
    assert picture.pixels.shape == (144, 96, 3)
    picture = dataclasses.replace(picture, pixels=picture.pixels.astype(dtype))
    data, remarks = encode_picture(picture, suffix)
    assert remarks == ()
    back = Exif.read(decode_picture(data).exif)
    del stored.tags[0x0112]
    assert back.tags == stored.tags
    assert back.order == order
    if suffix != ".tif":
        assert back.note_place == 1000  # the camera's own data hold offsets


def test_a_tag_that_points_nowhere_costs_no_other():
    stored = bytearray(
        Exif("<", {0x8298: (2, MARKS + b"\0"), 0x010F: (2, b"Maker of it\0")}).write()
    )
    place = stored.index(struct.pack("<HHI", 0x010F, 2, 12))
    stored[place + 8 : place + 12] = b"\xff\xff\xff\x7f"
    exif = Exif.read(bytes(stored))
    assert exif.tags == {0x8298: (2, MARKS + b"\0")}
    assert exif.is_damaged


@pytest.mark.parametrize(
    ("suffix", "most"), [(".webp", 16_383), (".jpg", 65_500), (".JPEG", 65_500)]
)
def test_limits_of_formats_are_named(suffix, most):
    check_side(most, 1, suffix)
    with pytest.raises(ImageError, match=str(most)):
        check_side(1, most + 1, suffix)
    check_side(1, most + 1, ".png")
