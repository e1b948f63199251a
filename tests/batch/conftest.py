import io
import shutil
import struct
import zlib

import keras
import numpy as np
import pytest
from PIL import Image

from mirnet_keras.batch import Settings
from mirnet_keras.models import AWSRN


@pytest.fixture(scope="session")
def settings(tmp_path_factory):
    """Settings with a tiny network that doubles the size."""
    keras.utils.set_random_seed(0)
    path = tmp_path_factory.mktemp("model") / "tiny.keras"
    AWSRN(scale=2, blocks=1, units=1, filters=4, wide_filters=8).save(path)
    return Settings(preset=str(path))


def photo(seed=0, shape=(16, 12, 3), mode=None):
    pixels = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    return Image.fromarray(pixels).convert(mode) if mode else Image.fromarray(pixels)


def content(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def bomb():
    """A PNG file of a few bytes that says that it has 4 * 10^18 pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, 2, 0, 0, 0)
    png = content(photo(), "PNG")
    return png[:12] + header + struct.pack(">I", zlib.crc32(header)) + png[33:]


@pytest.fixture
def mixed(tmp_path):
    """A folder of twelve pictures, eight damaged ones and two other files."""
    folder = tmp_path / "in"
    whole = content(photo(shape=(16, 12, 3)), "JPEG", quality=95)
    deep = np.random.default_rng(0).integers(0, 65536, (16, 12), np.uint16)
    good = {
        "a.jpg": whole,
        "b.png": content(photo(1), "PNG"),
        "c.webp": content(photo(2), "WEBP"),
        "d.tif": content(photo(3), "TIFF"),
        "e.bmp": content(photo(4), "BMP"),
        "f grey 😀.png": content(photo(5, mode="L"), "PNG"),
        "g deep.png": content(Image.fromarray(deep), "PNG"),
        "h cmyk.jpg": content(photo(6, mode="CMYK"), "JPEG"),
        "i alpha.png": content(photo(7, shape=(16, 12, 4)), "PNG"),
        "j no suffix": content(photo(8), "PNG"),
        "k lying.jpg": content(photo(9), "PNG"),
        "sub/deeper/a.jpg": whole,
    }
    frames = [photo(seed) for seed in (10, 11)]
    bad = {
        "bad animated.gif": content(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        "bad bomb.png": bomb(),
        "bad cut.jpg": whole[: len(whole) // 2],
        "bad empty.png": b"",
        "bad pages.tif": content(frames[0], "TIFF", save_all=True, append_images=frames[1:]),
        "bad text.png": b"not a picture",
        "sub/bad text.jpg": b"GIF8",
    }
    others = {"Thumbs.db": b"\xd0\xcf\x11\xe0", "notes.txt": b"BMW and others"}
    for name, data in {**good, **bad, **others}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    (folder / "bad link.png").symlink_to("nowhere.png")
    (folder / "sub/loop").symlink_to(folder)
    (folder / ".hidden.png").write_bytes(whole)
    return folder


@pytest.fixture
def damaged(mixed):
    """The bytes of damaged pictures."""
    names = ("animated.gif", "bomb.png", "cut.jpg", "empty.png", "pages.tif", "text.png")
    contents = [(mixed / f"bad {name}").read_bytes() for name in names]
    shutil.rmtree(mixed)
    return contents
