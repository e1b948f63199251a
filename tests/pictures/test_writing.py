import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mirnet_keras import images
from mirnet_keras.images import ImageError
from mirnet_keras.pictures import (
    Picture,
    encode_picture,
    output_suffix,
    picture_kind,
    read_picture,
    write_picture,
    writing,
)


def exif():
    """Camera, time of exposure and size, as a telephone writes them, and a place."""
    data = Image.Exif()
    data[0x0110] = "camera"
    data.get_ifd(0x8769).update({0x829A: 0.01, 0xA002: 14, 0xA003: 10})
    data.get_ifd(0x8825)[1] = "N"
    return data.tobytes()


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("transparent", [False, True])
@pytest.mark.parametrize("shape", [(10, 14), (10, 14, 3)])
def test_what_a_format_holds_comes_back(noise, tmp_path, suffix, dtype, transparent, shape):
    picture = Picture(noise(dtype, shape), noise(dtype, (10, 14)) if transparent else None)
    assert write_picture(tmp_path / f"a{suffix}", picture) == ()
    back = read_picture(tmp_path / f"a{suffix}")
    kept = {".png": np.uint16 if dtype != np.uint8 else np.uint8, ".tif": dtype}
    assert back.pixels.dtype == kept.get(suffix, np.uint8)
    assert back.is_grey == (len(shape) == 2 and suffix != ".webp")
    scale = 1 if back.pixels.dtype.kind == "f" else np.iinfo(back.pixels.dtype).max
    peak = 1 if dtype == np.float32 else np.iinfo(dtype).max
    for ours, theirs in ((back.pixels, picture.pixels), (back.alpha, picture.alpha)):
        if theirs is None:
            assert ours is None
            continue
        ours = ours[..., 0] if ours.ndim > theirs.ndim else ours
        assert np.abs(ours / scale - theirs / peak).max() <= 0.5 / scale + 1e-7
        if dtype == back.pixels.dtype:
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("shape", [(10, 14), (10, 14, 3), (10, 14, 4)])
@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_other_programs_read_our_deep_files(noise, suffix, shape, dtype):
    samples = noise(dtype, shape)
    has_alpha = shape[-1] == 4
    pixels, alpha = (samples[..., :3], samples[..., 3]) if has_alpha else (samples, None)
    data, _ = encode_picture(Picture(pixels, alpha), suffix)
    theirs = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    theirs = theirs[..., [2, 1, 0, 3][: shape[-1]]] if len(shape) == 3 else theirs
    if suffix == ".png" and dtype == np.float32:
        samples = np.floor(samples * 65535 + 0.5).astype(np.uint16)
    np.testing.assert_array_equal(theirs, samples)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp", ".jpg"])
def test_metadata_survive(noise, tmp_path, suffix, dtype):
    profile = noise(shape=(70_000,)).tobytes()  # longer than one JPEG marker
    picture = Picture(noise(dtype), exif=exif(), icc=profile, dpi=(300, 150))
    large = Picture(noise(dtype, (20, 28, 3)), exif=exif(), icc=profile, dpi=(300, 150))
    for result in (picture, large):
        assert write_picture(tmp_path / f"a{suffix}", result) == ()
        back = read_picture(tmp_path / f"a{suffix}")
        assert back.icc == profile
        np.testing.assert_allclose(back.dpi, (300, 150), rtol=1e-3)
        kept = Image.Exif()
        kept.load(back.exif)
        assert kept[0x0110] == "camera"
        assert kept.get_ifd(0x8769)[0x829A] == 0.01
        assert kept.get_ifd(0x8825)[1] == "N"
        size = kept.get_ifd(0x8769)[0xA003], kept.get_ifd(0x8769)[0xA002]
        assert size == result.pixels.shape[:2]


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp", ".jpg"])
def test_density_survives_without_other_data(noise, tmp_path, suffix):
    write_picture(tmp_path / f"a{suffix}", Picture(noise(), dpi=(300, 150)))
    back = read_picture(tmp_path / f"a{suffix}")
    np.testing.assert_allclose(back.dpi, (300, 150), rtol=1e-3)
    assert back.exif is None


def test_what_is_stripped_is_gone(noise, tmp_path):
    picture = Picture(noise(), exif=exif(), icc=b"profile", dpi=(300, 300))
    write_picture(tmp_path / "a.png", picture.without_metadata())
    back = read_picture(tmp_path / "a.png")
    assert (back.exif, back.dpi, back.icc) == (None, None, b"profile")


@pytest.mark.parametrize("suffix", [".jpg", ".bmp"])
@pytest.mark.parametrize("shape", [(10, 14), (10, 14, 3)])
def test_transparency_is_put_on_white_and_said(tmp_path, suffix, shape):
    alpha = np.zeros((10, 14), np.uint8)
    alpha[:, :8] = 255
    picture = Picture(np.zeros(shape, np.uint8), alpha)
    assert "put on white" in write_picture(tmp_path / f"a{suffix}", picture)[0]
    back = read_picture(tmp_path / f"a{suffix}").pixels
    assert back[:, :7].max() < 10
    assert back[:, 9:].min() > 245
    opaque = Picture(np.zeros(shape, np.uint8), np.full((10, 14), 255, np.uint8))
    assert write_picture(tmp_path / f"a{suffix}", opaque) == ()


def test_what_a_format_does_not_hold_is_said(noise):
    _, remarks = encode_picture(Picture(noise(), icc=b"profile"), ".bmp")
    assert remarks == ("BMP holds no profile and no EXIF data.",)
    grey_profile = b"0" * 16 + b"GRAY" + b"0" * 40
    _, remarks = encode_picture(Picture(noise(shape=(4, 4)), icc=grey_profile), ".webp")
    assert "profile for grey was left out" in remarks[0]


def test_the_suffix_follows_the_content(noise):
    assert output_suffix(Path("a.JPEG"), "JPEG") == ".jpeg"
    assert output_suffix(Path("a.png"), "JPEG") == ".jpeg"
    assert output_suffix(Path("a.tiff"), "TIFF") == ".tiff"
    assert output_suffix(Path("a.gif"), "GIF") == ".png"
    for suffix in (".png", ".jpg", ".tif", ".webp", ".bmp"):
        data, _ = encode_picture(Picture(noise()), suffix)
        assert output_suffix(Path(f"a{suffix}"), picture_kind(data)) == suffix


def test_what_cannot_be_written_is_refused_and_the_old_file_stays(noise, tmp_path, monkeypatch):
    write_picture(tmp_path / "a.png", Picture(noise()))
    before = (tmp_path / "a.png").read_bytes()
    with pytest.raises(ImageError, match="Use one of"):
        write_picture(tmp_path / "a.heic", Picture(noise()))
    with pytest.raises(ImageError, match=r"cannot be written as '.webp'.*Use .png"):
        write_picture(tmp_path / "a.webp", Picture(np.zeros((1, 20_000, 3), np.uint8)))
    with pytest.raises(ImageError, match="a.png/b.png' cannot be written"):
        write_picture(tmp_path / "a.png" / "b.png", Picture(noise()))

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(ImageError, match="No space left"):
        write_picture(tmp_path / "a.png", Picture(255 - noise()))
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    assert (tmp_path / "a.png").read_bytes() == before


@pytest.mark.parametrize("place", ["_fitted", "_encoded"])
def test_lack_of_memory_is_named(noise, place, monkeypatch):
    def fail(*_):
        raise MemoryError

    monkeypatch.setattr(writing, place, fail)
    with pytest.raises(ImageError, match="memory does not suffice to write 14 x 10 pixels"):
        encode_picture(Picture(noise()), ".png")


def test_lack_of_memory_is_named_by_the_simple_writer(noise, monkeypatch):
    def fail(*_):
        raise MemoryError

    monkeypatch.setattr(np, "ascontiguousarray", fail)
    with pytest.raises(ImageError, match="memory does not suffice to write 14 x 10 pixels"):
        images.encode_image(noise(), ".png")


def test_a_disk_that_fills_leaves_no_half_file(noise, tmp_path, monkeypatch):
    def write(path, data):
        with open(path, "wb") as file:
            file.write(data[:20])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", write)
    with pytest.raises(ImageError, match="cannot be written: No space left on device"):
        write_picture(tmp_path / "a.png", Picture(noise()))
    assert not list(tmp_path.iterdir())
