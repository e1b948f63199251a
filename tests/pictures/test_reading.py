import io
import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps, PngImagePlugin

from mirnet_keras import images
from mirnet_keras.images import ImageError
from mirnet_keras.pictures import Picture, decode_picture, encode_picture, read_picture

GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6  # PNG's colour types


def saved(picture, kind, **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def png(samples, depth, colour, *more):
    """A PNG file by hand: samples (height, width, channels), and further chunks."""
    height, width = samples.shape[:2]
    shifts = np.arange(depth)[::-1].astype(np.uint16)
    bits = (samples.astype(np.uint16)[..., None] >> shifts & 1).reshape(height, -1)
    lines = b"".join(b"\0" + np.packbits(line.astype(np.uint8)).tobytes() for line in bits)
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = [(b"IHDR", header), *more, (b"IDAT", zlib.compress(lines)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


@pytest.mark.parametrize("transparent", [False, True])
@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_indexed_png(noise, check, depth, transparent):
    colours = noise(shape=(2**depth, 3))
    indices = np.arange(6 * 9).reshape(6, 9) % 2**depth
    opacity = noise(shape=(2**depth,)) if transparent else None
    more = [(b"PLTE", colours.tobytes())]
    more += [(b"tRNS", opacity.tobytes())] if transparent else []
    picture = decode_picture(png(indices[..., None], depth, PALETTE, *more))
    check(picture, colours[indices], opacity[indices] if transparent else None)


@pytest.mark.parametrize("transparent", [False, True])
@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_grey_png(check, depth, transparent):
    levels = 2**depth - 1
    values = np.random.default_rng(0).integers(0, levels + 1, (6, 9))
    key = int(values[2, 3])
    more = [(b"tRNS", struct.pack(">H", key))] if transparent else []
    dtype, full = (np.uint16, 65535) if depth == 16 else (np.uint8, 255)
    picture = decode_picture(png(values[..., None], depth, GREY, *more))
    alpha = np.where(values == key, 0, full).astype(dtype) if transparent else None
    check(picture, (values * full // levels).astype(dtype), alpha)
    assert picture.is_grey


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(("colour", "channels"), [(RGB, 3), (GREY_ALPHA, 2), (RGBA, 4)])
def test_png_of_several_channels(noise, check, dtype, colour, channels):
    samples = noise(dtype, (6, 9, channels))
    picture = decode_picture(png(samples, 8 * samples.itemsize, colour))
    pixels = samples[..., 0] if channels == 2 else samples[..., :3]
    check(picture, pixels, None if channels == 3 else samples[..., -1])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_png_with_one_transparent_colour(noise, check, dtype):
    samples = noise(dtype, (6, 9, 3))
    key = (b"tRNS", samples[1, 2].astype(">u2").tobytes())
    picture = decode_picture(png(samples, 8 * samples.itemsize, RGB, key))
    alpha = np.full((6, 9), np.iinfo(dtype).max, dtype)
    alpha[1, 2] = 0
    check(picture, samples, alpha)


def test_depth_follows_the_file_not_the_values(check):
    dark = np.full((4, 5, 3), 7, np.uint16)
    check(decode_picture(png(dark, 16, RGB)), dark)


def test_jpeg_webp_and_bmp(noise, check):
    flat = Image.new("RGB", (9, 6), (200, 30, 60))
    for kind in ("JPEG", "WEBP", "BMP", "TIFF"):
        picture = decode_picture(saved(flat, kind, quality=100))
        assert picture.kind == kind
        assert np.abs(picture.pixels.astype(int) - (200, 30, 60)).max() <= 3, kind
        assert (picture.pixels.shape, picture.alpha) == ((6, 9, 3), None)
    check(decode_picture(saved(flat.convert("L"), "JPEG")), np.array(flat.convert("L")))
    see_through = Image.fromarray(noise(shape=(6, 9, 4)))
    picture = decode_picture(saved(see_through, "WEBP", lossless=True, exact=True))
    check(picture, np.array(see_through)[..., :3], np.array(see_through)[..., 3])


def test_cmyk_is_converted_with_a_word():
    flat = Image.new("RGB", (8, 8), (200, 30, 60)).convert("CMYK")
    for options in ({}, {"icc_profile": b"damaged"}):
        picture = decode_picture(saved(flat, "JPEG", **options))
        assert picture.pixels.shape == (8, 8, 3)
        assert np.abs(picture.pixels.astype(int) - (200, 30, 60)).max() < 6
        assert picture.remarks == ("CMYK was converted to sRGB.",)
        assert picture.icc is None


def test_colour_spaces_that_are_not_read_are_named(noise):
    with pytest.raises(ImageError, match="pixels of the kind LAB"):
        decode_picture(saved(Image.new("LAB", (8, 8)), "TIFF"))
    with pytest.raises(ImageError, match="not read|cannot be read"):
        decode_picture(saved(Image.fromarray(noise(np.uint16, (4, 4)).astype(np.int32)), "TIFF"))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_orientation_is_applied_and_reset(noise, check, orientation, dtype):
    exif = Image.Exif()
    exif[0x0112], exif[0x0110] = orientation, "camera"
    samples = noise(np.uint8, (5, 7, 4))
    upright = Image.fromarray(samples)
    upright.getexif()[0x0112] = orientation
    expected = np.array(ImageOps.exif_transpose(upright)).astype(dtype)
    chunk = (b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))
    density = (b"pHYs", struct.pack(">IIB", 3937, 7874, 1))
    data = png(samples, 8 * np.dtype(dtype).itemsize, RGBA, chunk, density)
    picture = decode_picture(data)
    check(picture, expected[..., :3], expected[..., 3])
    kept = Image.Exif()
    kept.load(picture.exif)
    assert dict(kept) == {0x0110: "camera"}
    dpi = (100, 200) if orientation < 5 else (200, 100)
    np.testing.assert_allclose(picture.dpi, dpi, rtol=1e-3)


@pytest.mark.parametrize(("kind", "value"), [(2, b"6\0"), (7, b"6666")])  # text, bytes
def test_an_orientation_that_is_no_number_does_not_cost_the_picture(noise, kind, value):
    entry = struct.pack("<HHI4s", 0x0112, kind, len(value), value)
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 1) + entry + bytes(4)
    data = saved(Image.fromarray(noise()), "JPEG", exif=exif, dpi=(72, 72))
    assert decode_picture(data).pixels.shape == noise().shape


def test_damaged_exif_do_not_cost_the_picture(noise, recwarn):
    data = png(noise(), 8, RGB, (b"eXIf", b"MM\0*\0\0\0\x08\0\x05garbage"))
    picture = decode_picture(data)
    np.testing.assert_array_equal(picture.pixels, noise())


def test_animations_and_several_pages_are_refused(noise):
    frames = [Image.fromarray(noise(shape=(6, 8, 3)) // n) for n in (1, 2)]
    for kind in ("GIF", "PNG", "WEBP"):
        with pytest.raises(ImageError, match="'moving' is animated"):
            decode_picture(
                saved(frames[0], kind, save_all=True, append_images=frames[1:]), "moving"
            )
    with pytest.raises(ImageError, match="several pages"):
        decode_picture(saved(frames[0], "TIFF", save_all=True, append_images=frames[1:]))
    still = decode_picture(saved(frames[0].convert("L"), "GIF"))
    np.testing.assert_array_equal(still.pixels[..., 1], np.array(frames[0].convert("L")))


@pytest.mark.parametrize("kind", [".png", ".jpg", ".webp", ".bmp", ".tif"])
def test_too_many_pixels_are_refused_before_decoding(noise, kind, monkeypatch):
    data, _ = encode_picture(Picture(noise()), kind)
    assert decode_picture(data, max_pixels=140).pixels.shape == (10, 14, 3)
    with pytest.raises(ImageError, match=r"too many pixels: 14 x 10, more than 139.*raise"):
        decode_picture(data, "huge", max_pixels=139)


def test_a_bomb_of_a_few_bytes_is_refused(noise):
    header = struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, RGB, 0, 0, 0)
    data = png(noise(), 8, RGB)
    data = (
        data[:12] + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header)) + data[33:]
    )
    with pytest.raises(ImageError, match="too many pixels"):
        decode_picture(data)


def test_metadata_that_is_left_out_is_said(noise):
    plain = Image.fromarray(noise())
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Title", "a\nb")
    everything = Image.Exif()
    everything[700], everything[33723] = b"<x/>", b"iptc"
    iptc = b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0" + struct.pack(">I", 4) + b"iptc"
    marker = b"\xff\xed" + struct.pack(">H", 2 + len(iptc)) + iptc
    jpeg = saved(plain, "JPEG")
    cases = {
        saved(plain, "PNG", pnginfo=texts): "Left out of the metadata: texts.",
        saved(plain, "JPEG", xmp=b"<x/>", comment=b"a"): "Left out of the metadata: texts and XMP.",
        saved(plain, "WEBP", xmp=b"<x/>"): "Left out of the metadata: XMP.",
        saved(plain, "TIFF", exif=everything): "Left out of the metadata: IPTC and XMP.",
        jpeg[:2] + marker + jpeg[2:]: "Left out of the metadata: IPTC.",
        png(noise(np.uint16), 16, RGB, (b"tEXt", b"Title\0a")): "Left out of the metadata: texts.",
    }
    for content, remark in cases.items():
        assert decode_picture(content).remarks == (remark,)
    named = PngImagePlugin.PngInfo()
    for name in ("xmp", "iptc"):
        named.add_text(f"Raw profile type {name}", "x")
    named.add_itxt("XML:com.adobe.xmp", "<x/>")
    (remark,) = decode_picture(saved(plain, "PNG", pnginfo=named)).remarks
    assert remark == "Left out of the metadata: IPTC and XMP."
    exif = Image.Exif()
    exif[0x0110] = "camera"
    for kind in ("PNG", "JPEG", "WEBP", "TIFF"):
        assert decode_picture(saved(plain, kind, exif=exif, dpi=(72, 72))).remarks == ()


@pytest.mark.parametrize("depth", [8, 16])
def test_lack_of_memory_is_not_called_a_broken_file(noise, depth, monkeypatch):
    def fail(*_):
        raise MemoryError

    def fail_in_opencv(*_):
        error = cv2.error("Insufficient memory")
        error.code = cv2.Error.StsNoMem
        raise error

    content = png(noise(np.uint16, (10, 14, 3)), depth, RGB)
    monkeypatch.setattr(Image.Image, "convert", fail)
    monkeypatch.setattr(cv2, "imdecode", fail_in_opencv)
    for decode in (decode_picture, images.decode_image):
        with pytest.raises(ImageError, match="memory does not suffice to read 'a.png'"):
            decode(content, "a.png")


def test_lack_of_memory_for_the_file_itself_is_named(tmp_path, monkeypatch):
    def fail(_):
        raise MemoryError

    (tmp_path / "a.png").write_bytes(b"")
    monkeypatch.setattr(Path, "read_bytes", fail)
    with pytest.raises(ImageError, match="memory does not suffice to read '.*a.png'"):
        read_picture(tmp_path / "a.png")


def test_a_large_picture_within_the_limit_needs_no_leave_from_pillow(noise, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert decode_picture(png(noise(), 8, RGB)).pixels.shape == (10, 14, 3)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp", ".tif"])
def test_truncated_files_are_refused(noise, capfd, dtype, suffix):
    data, _ = encode_picture(Picture(noise(dtype, (64, 64, 3))), suffix)
    for kept in (0.1, 0.3, 0.6, 0.95):
        with pytest.raises(ImageError, match="'cut' is"):
            decode_picture(data[: int(kept * len(data))], "cut")
    assert capfd.readouterr().err == ""


@pytest.fixture(scope="module")
def fuzz_seeds(noise):
    """Files of every kind, to be damaged."""
    seeds = []
    for suffix in (".jpg", ".png", ".webp", ".bmp", ".tif"):
        for dtype in (np.uint8, np.uint16, np.float32):
            for shape, alpha in (
                ((12, 9, 3), None),
                ((12, 9, 3), noise(dtype, (12, 9))),
                ((12, 9), noise(dtype, (12, 9))),
            ):
                exif = Image.Exif()
                exif[0x0110] = "camera"
                picture = Picture(
                    noise(dtype, shape), alpha, exif=exif.tobytes(), dpi=(300, 300), icc=b"icc"
                )
                seeds.append(encode_picture(picture, suffix)[0])
    return seeds


@pytest.mark.filterwarnings("ignore::UserWarning")
@given(st.data())
def test_mutated_files_give_a_picture_or_one_image_error(fuzz_seeds, data):
    content = bytearray(data.draw(st.sampled_from(fuzz_seeds)))
    end = data.draw(st.integers(16, len(content)))
    content[end:] = data.draw(st.sampled_from([content[end:], content[end:], b"", content[:end]]))
    for _ in range(data.draw(st.integers(0, 4))):
        # Headers are where the lies are: half of the changes fall into the first 100 bytes.
        most = data.draw(st.sampled_from([min(100, len(content)) - 1, len(content) - 1]))
        content[data.draw(st.integers(0, most))] = data.draw(st.integers(0, 255))
    try:
        picture = decode_picture(bytes(content), max_pixels=10_000)
    except ImageError:
        return
    assert picture.pixels.shape[2:] in ((), (3,))
    assert picture.pixels.size > 0
    assert picture.alpha is None or picture.alpha.shape == picture.pixels.shape[:2]
    encode_picture(picture, ".png") if picture.pixels.dtype != np.float32 else None


@given(st.data())
def test_noise_after_a_signature_is_an_image_error(fuzz_seeds, data):
    signature = data.draw(st.sampled_from(fuzz_seeds))[:12]
    rest = data.draw(st.binary(max_size=60))
    with pytest.raises(ImageError):
        decode_picture(signature + rest)


def test_paths_that_are_no_picture_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no picture at"):
        read_picture(tmp_path / "nowhere.png")
    with pytest.raises(ImageError, match="is no file"):
        read_picture(tmp_path)
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ImageError, match="is no file"):
        read_picture(tmp_path / "pipe.png")
    (tmp_path / "a b 😀.png").write_text("text")
    with pytest.raises(ImageError, match="a b 😀.png' is not a picture"):
        read_picture(tmp_path / "a b 😀.png")
    (tmp_path / "empty.png").touch()
    with pytest.raises(ImageError, match="is empty"):
        read_picture(tmp_path / "empty.png")


def test_a_file_longer_than_any_picture_is_not_read(tmp_path):
    with (tmp_path / "long.png").open("wb") as file:
        file.truncate(2**40)  # sparse
    with pytest.raises(ImageError, match="larger than a picture of 200,000,000 pixels"):
        read_picture(tmp_path / "long.png")
