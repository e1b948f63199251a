import numpy as np
import pytest
from PIL import Image

from mirnet_keras.image_array import image_array
from mirnet_keras.image_errors import ImageError

RGB = np.random.default_rng(0).integers(0, 256, (4, 5, 3), np.uint8)


def test_arrays_are_not_copied():
    assert image_array(RGB) is RGB


@pytest.mark.parametrize("dtype", [">u2", ">f4", "<f8", "f2"])
def test_byte_order_becomes_native(dtype):
    values = (RGB / 255).astype(dtype) if "f" in dtype else RGB.astype(dtype)
    array = image_array(values)
    assert array.dtype.isnative
    np.testing.assert_array_equal(array, values)


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "CMYK", "YCbCr", "I;16"])
def test_pillow_images(mode):
    picture = Image.fromarray(RGB)
    picture = Image.fromarray(RGB[..., 0].astype("u2")) if mode == "I;16" else picture.convert(mode)
    array = image_array(picture)
    assert array.shape in ((4, 5, 3), (4, 5))
    assert array.dtype == (np.uint16 if mode == "I;16" else np.uint8)


def test_one_channel_becomes_grey_or_stays():
    grey = RGB[..., :1]
    assert image_array(grey).shape == (4, 5)
    assert image_array(grey, channels=1).shape == (4, 5, 1)
    assert image_array(np.stack([RGB, RGB]), batches=True).shape == (2, 4, 5, 3)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ([[0, 1]], "list"),
        (None, "NoneType"),
        (Image.fromarray(RGB).convert("RGBA"), r"convert\('RGB'\)"),
        (RGB.astype(bool), "bool"),
        (RGB.astype(np.int32), "int32"),
        (RGB.astype(complex), "complex"),
        (RGB[:0], "not empty"),
        (np.dstack([RGB, RGB[..., 0]]), r"image\[..., :3\]"),
        (np.moveaxis(RGB, -1, 0), "np.moveaxis"),
        (np.stack([RGB]), r"\(1, 4, 5, 3\)"),
        (RGB / 1.0, "Divide"),
        (np.full((4, 5, 3), np.inf), "inf"),
        (np.full((4, 5, 3), np.nan, "f4"), "nan"),
    ],
)
def test_everything_else_gets_a_sentence(image, words):
    with pytest.raises(ImageError, match=words):
        image_array(image)
