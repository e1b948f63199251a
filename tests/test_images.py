import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from mirnet_keras import images
from mirnet_keras.images import ImageError


def noise(dtype=np.uint8, shape=(20, 30, 3)):
    rng = np.random.default_rng(0)
    if np.issubdtype(dtype, np.floating):
        return rng.random(shape).astype(dtype)
    return rng.integers(0, np.iinfo(dtype).max + 1, shape, dtype)


def encoded(picture, kind, **options):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def turned_right():
    """EXIF data that asks for a quarter turn clockwise."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


@pytest.mark.parametrize("suffix", [".png", ".tif", ".TIFF", ".bmp", ".webp"])
def test_lossless_formats_give_back_every_pixel(tmp_path, suffix):
    images.write_image(tmp_path / f"a{suffix}", noise())
    np.testing.assert_array_equal(images.read_image(tmp_path / f"a{suffix}"), noise())


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bit_stays_16_bit(tmp_path, suffix):
    images.write_image(tmp_path / f"a{suffix}", noise(np.uint16))
    np.testing.assert_array_equal(images.read_image(tmp_path / f"a{suffix}"), noise(np.uint16))


def test_16_bit_becomes_8_bit_where_the_format_holds_no_more(tmp_path):
    bright = np.full((8, 8, 3), 128 * 257, np.uint16)
    images.write_image(str(tmp_path / "a.jpg"), bright)
    np.testing.assert_array_equal(images.read_image(tmp_path / "a.jpg"), np.full((8, 8, 3), 128))


def test_jpeg_is_decoded_with_the_accurate_dct_and_written_without_chroma_subsampling(tmp_path):
    red_dot = np.zeros((16, 16, 3), np.uint8)
    red_dot[8, 8] = 255, 0, 0
    images.write_image(tmp_path / "a.jpg", red_dot)
    ours = images.read_image(tmp_path / "a.jpg")
    np.testing.assert_array_equal(ours, cv2.imread(str(tmp_path / "a.jpg"))[..., ::-1])
    assert ours[8, 8, 0] > 240
    assert ours[8, 9].max() < 20


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_float_tiff_keeps_its_values(tmp_path, dtype):
    values = noise(dtype) * 3
    cv2.imwrite(str(tmp_path / "a.tif"), values[..., ::-1])
    image = images.read_image(tmp_path / "a.tif")
    assert image.dtype == np.float32
    np.testing.assert_array_equal(image, values.astype(np.float32))


def test_grey_float_tiff_becomes_three_equal_channels(tmp_path):
    values = noise(np.float32, (20, 30)) * 3
    cv2.imwrite(str(tmp_path / "a.tif"), values)
    image = images.read_image(tmp_path / "a.tif")
    assert image.dtype == np.float32
    np.testing.assert_array_equal(image, np.stack([values] * 3, axis=-1))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_grey_becomes_three_equal_channels(tmp_path, dtype, suffix):
    grey = noise(dtype, (20, 30))
    cv2.imwrite(str(tmp_path / f"a.{suffix}"), grey)
    image = images.read_image(tmp_path / f"a.{suffix}")
    np.testing.assert_array_equal(image, np.stack([grey] * 3, axis=-1))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_alpha_is_dropped_not_blended(tmp_path, dtype):
    bgra = noise(dtype, (20, 30, 4))
    cv2.imwrite(str(tmp_path / "a.png"), bgra)
    np.testing.assert_array_equal(images.read_image(tmp_path / "a.png"), bgra[..., 2::-1])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_orientation_is_applied(kind):
    white_left = np.zeros((16, 32, 3), np.uint8)
    white_left[:, :16] = 255
    image = images.decode_image(encoded(Image.fromarray(white_left), kind, exif=turned_right()))
    assert image.shape == (32, 16, 3)
    assert image[:15].min() > 200
    assert image[17:].max() < 50


def test_exif_orientation_of_a_16_bit_png_is_applied():
    plain = images.encode_image(noise(np.uint16), ".png")
    body = b"eXIf" + turned_right().tobytes().removeprefix(b"Exif\0\0")
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    after_header = 33  # signature and IHDR
    data = plain[:after_header] + chunk + plain[after_header:]
    expected = np.rot90(noise(np.uint16), -1)
    np.testing.assert_array_equal(images.decode_image(data), expected)


def test_palette_and_cmyk_become_rgb():
    flat = Image.new("RGB", (8, 8), (200, 30, 60))
    palette = images.decode_image(encoded(flat.convert("P", palette=1), "PNG"))
    assert np.abs(palette.astype(int) - (200, 30, 60)).max() < 26  # the palette's step
    cmyk = images.decode_image(encoded(flat.convert("CMYK"), "JPEG"))
    assert np.abs(cmyk.astype(int) - (200, 30, 60)).max() < 6


def test_missing_file_says_where():
    with pytest.raises(FileNotFoundError, match="no picture at 'nowhere.png'"):
        images.read_image("nowhere.png")


def test_folder_is_refused_as_a_picture(tmp_path):
    with pytest.raises(ImageError, match="is a folder"):
        images.read_image(tmp_path)


@pytest.mark.parametrize(
    ("content", "fault"), [(b"hello, world\n", "is not a picture"), (b"", "is empty")]
)
def test_text_named_png_is_refused_with_its_path(tmp_path, content, fault):
    (tmp_path / "text.png").write_bytes(content)
    with pytest.raises(ImageError, match=f"text.png' {fault}"):
        images.read_image(tmp_path / "text.png")


def test_a_picture_that_would_fill_the_memory_is_refused(monkeypatch):
    data = images.encode_image(noise(), ".png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(ImageError, match="'huge' has too many pixels"):
        images.decode_image(data, "huge")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp", ".tif"])
@pytest.mark.filterwarnings("ignore:Corrupt EXIF:UserWarning", "ignore:Truncated:UserWarning")
def test_truncated_file_is_refused_not_filled_up(capfd, dtype, suffix):
    data = images.encode_image(noise(dtype, (64, 64, 3)), suffix)
    for kept in (0.3, 0.6, 0.95):
        with pytest.raises(ImageError, match="'cut' is"):
            images.decode_image(data[: int(kept * len(data))], "cut")
    assert capfd.readouterr().err == ""


@given(st.data())
def test_damaged_files_raise_nothing_but_image_error(data):
    suffix = data.draw(st.sampled_from([".jpg", ".png", ".webp", ".bmp"]))
    content = bytearray(images.encode_image(noise(shape=(12, 9, 3)), suffix))
    for _ in range(3):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        image = images.decode_image(bytes(content))
    except ImageError:
        return
    assert image.ndim == 3
    assert image.shape[2] == 3


def test_float_is_written_as_clipped_and_rounded_8_bit(tmp_path):
    image = np.array([[[-0.5, 0.5, 1.5]]])
    images.write_image(tmp_path / "a.png", image)
    np.testing.assert_array_equal(images.read_image(tmp_path / "a.png"), [[[0, 128, 255]]])


def test_writing_makes_the_folder_and_leaves_nothing_else_there(tmp_path):
    images.write_image(tmp_path / "new" / "folder" / "a.png", noise())
    images.write_image(tmp_path / "new" / "folder" / "a.png", noise())
    assert [path.name for path in (tmp_path / "new" / "folder").iterdir()] == ["a.png"]


def test_failed_write_keeps_the_old_file_and_no_temporary_one(tmp_path, monkeypatch):
    images.write_image(tmp_path / "a.png", noise())

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(images.os, "replace", fail)
    with pytest.raises(ImageError, match="No space left"):
        images.write_image(tmp_path / "a.png", 255 - noise())
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    np.testing.assert_array_equal(images.read_image(tmp_path / "a.png"), noise())


@pytest.mark.parametrize("name", ["a.heic", "a", "a.exr"])
def test_unknown_suffix_is_refused_with_the_known_ones(tmp_path, name):
    with pytest.raises(ImageError, match=r"Use one of .*\.png"):
        images.write_image(tmp_path / name, noise())


def test_what_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ImageError, match="cannot be written"):
        images.write_image(tmp_path / "file" / "a.png", noise())
    with pytest.raises(ImageError, match=r"\(height, width, 3\)"):
        images.write_image(tmp_path / "a.png", noise(shape=(20, 30)))
    with pytest.raises(ImageError, match="dtype int64"):
        images.write_image(tmp_path / "a.png", noise().astype(int))
    with pytest.raises(ImageError, match="NaN"):
        images.write_image(tmp_path / "a.png", np.full((2, 2, 3), np.nan))
    with pytest.raises(ImageError, match="cannot be written as '.webp'. Use .png"):
        images.write_image(tmp_path / "a.webp", np.zeros((1, 20000, 3), np.uint8))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_value_survives_the_way_to_float_and_back(dtype):
    values = np.arange(np.iinfo(dtype).max + 1, dtype=dtype)
    as_float = images.to_float(values)
    assert as_float.dtype == np.float32
    assert (as_float[0], as_float[-1]) == (0, 1)
    np.testing.assert_array_equal(images.to_dtype(as_float, dtype), values)


def test_to_uint8_rounds_half_up_and_clips():
    values = np.array([-1, 0.5 / 255, 1.4999 / 255, 2.5 / 255, 1.01], np.float32)
    np.testing.assert_array_equal(images.to_uint8(values), [0, 1, 1, 3, 255])


def test_to_dtype_float_clips():
    result = images.to_dtype(np.array([-0.1, 0.25, 1.1]), np.float32)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, np.float32([0, 0.25, 1]))


def test_luma_by_hand():  # C10
    colours = np.array([[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [100, 50, 200]])
    by_hand = [16, 235, 16 + 65.481, 16 + 128.553, 16 + (6548.1 + 6427.65 + 4993.2) / 255]
    np.testing.assert_allclose(images.luma(colours.astype(np.uint8)), by_hand, rtol=1e-14)
    np.testing.assert_allclose(images.luma(colours / 255), np.divide(by_hand, 255), rtol=1e-14)
    assert images.luma(colours.astype(np.uint8)).dtype == np.float64


def test_luma_needs_three_channels():
    with pytest.raises(ImageError, match="RGB"):
        images.luma(np.zeros((4, 4, 1)))


sizes = st.tuples(st.integers(1, 12), st.integers(1, 12))


@given(sizes, st.integers(1, 5))
def test_crop_keeps_the_top_left(size, multiple):
    image = np.arange(np.prod(size) * 3).reshape(*size, 3)
    if min(size) < multiple:
        with pytest.raises(ImageError, match="larger image"):
            images.crop_to_multiple(image, multiple)
        return
    cropped = images.crop_to_multiple(image, multiple)
    assert cropped.shape[0] == size[0] // multiple * multiple
    assert cropped.shape[1] == size[1] // multiple * multiple
    np.testing.assert_array_equal(cropped, image[: cropped.shape[0], : cropped.shape[1]])


@given(sizes, st.integers(1, 16), st.booleans())
def test_padding_keeps_the_image_and_adds_the_least(size, multiple, batched):
    image = np.arange(np.prod(size) * 3).reshape(*size, 3)
    image = image[None] if batched else image
    padded = images.pad_to_multiple(image, multiple)
    assert padded.shape[-3:-1] == tuple(-(-side // multiple) * multiple for side in size)
    np.testing.assert_array_equal(padded[..., : size[0], : size[1], :], image)


def test_padding_mirrors_and_repeats_where_it_cannot():
    row = np.arange(5).reshape(1, 5, 1)
    padded = images.pad_to_multiple(row, 8)
    np.testing.assert_array_equal(padded[0, :, 0], [0, 1, 2, 3, 4, 3, 2, 1])
    np.testing.assert_array_equal(padded, np.repeat(padded[:1], 8, axis=0))
    even = images.pad_to_multiple(np.arange(4).reshape(1, 4, 1), 8)
    np.testing.assert_array_equal(even[0, :, 0], [0, 1, 2, 3, 3, 3, 3, 3])
    short = images.pad_to_multiple(np.arange(3).reshape(1, 3, 1), 8)
    np.testing.assert_array_equal(short[0, :, 0], [0, 1, 2, 2, 2, 2, 2, 2])


def test_pictures_of_a_folder_are_listed_in_order(tmp_path):
    for name in ["b.PNG", "a.jpg", "c.tiff", "notes.txt", "._a.jpg"]:
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    assert [path.name for path in images.list_images(tmp_path)] == ["a.jpg", "b.PNG", "c.tiff"]


def test_a_folder_without_pictures_is_refused(tmp_path):
    with pytest.raises(ImageError, match="holds no picture"):
        images.list_images(tmp_path)
    with pytest.raises(ImageError, match="does not exist"):
        images.list_images(tmp_path / "nowhere")
    (tmp_path / "a.png").touch()
    with pytest.raises(ImageError, match="is a file, not a folder"):
        images.list_images(tmp_path / "a.png")


@given(arrays(np.float32, (3, 2, 3), elements=st.floats(-2, 2, width=32)))
def test_to_uint8_is_off_by_at_most_half_a_level(image):
    difference = images.to_uint8(image) - np.clip(image, 0, 1) * 255
    assert np.abs(difference).max() <= 0.5001
