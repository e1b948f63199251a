import io

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from mirnet_keras.images import ImageError, decode_image
from mirnet_keras.pictures import decode_picture


@pytest.mark.parametrize("shape", [(10, 14), (10, 14, 3), (10, 14, 4)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_tiff(noise, check, dtype, shape):
    samples = noise(dtype, shape)
    bgr = samples[..., [2, 1, 0, 3][: shape[-1]]] if len(shape) == 3 else samples
    picture = decode_picture(cv2.imencode(".tif", bgr)[1].tobytes())
    samples = samples.astype(np.float32) if dtype == np.float64 else samples
    check(picture, samples[..., :3] if len(shape) == 3 else samples,
          samples[..., 3] if shape[-1] == 4 else None)  # fmt: skip


@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"byteorder": ">"}])
@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_tiff_of_grey_and_alpha(noise, check, dtype, options):
    samples, file = noise(dtype, (60, 14, 2)), io.BytesIO()
    options = {"photometric": "minisblack", "rowsperstrip": 7, **options}
    tifffile.imwrite(file, samples, extrasamples=["unassalpha"], **options)
    check(decode_picture(file.getvalue()), samples[..., 0], samples[..., 1])
    with pytest.raises(ImageError, match="'cut' is"):
        decode_picture(file.getvalue()[:-500], "cut")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_deep_tiff_files_are_turned_once(noise, check, orientation, dtype, channels):
    samples = noise(dtype, (5, 7, channels))
    file = io.BytesIO()
    options = {"extrasamples": ["unassalpha"]} if channels in (2, 4) else {}
    tifffile.imwrite(
        file,
        samples if channels > 1 else samples[..., 0],
        photometric="rgb" if channels > 2 else "minisblack",
        planarconfig="contig" if channels > 1 else None,
        resolution=(100, 200),
        extratags=[(0x0112, "H", 1, orientation, True)],
        **options,
    )
    marks = Image.fromarray(np.arange(35, dtype=np.uint8).reshape(5, 7))
    marks.getexif()[0x0112] = orientation
    order = np.array(ImageOps.exif_transpose(marks))
    upright = samples.reshape(35, channels)[order]
    picture = decode_picture(file.getvalue())
    colours = upright[..., :3] if channels > 2 else upright[..., 0]
    check(picture, colours, upright[..., -1] if channels in (2, 4) else None)
    assert picture.dpi == ((100, 200) if orientation < 5 else (200, 100))


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_deep_colours_in_planes_are_refused(noise, dtype):
    file = io.BytesIO()
    planes = noise(dtype, (3, 10, 14))
    tifffile.imwrite(file, planes, photometric="rgb", planarconfig="separate")
    for decode in (decode_picture, decode_image):
        with pytest.raises(ImageError, match="'planes.tif' is .* deep colours in planes"):
            decode(file.getvalue(), "planes.tif")


def test_bigtiff_of_16_bits(noise, check):
    file = io.BytesIO()
    samples = noise(np.uint16)
    tifffile.imwrite(file, samples, photometric="rgb", bigtiff=True)
    picture = decode_picture(file.getvalue())
    check(picture, samples)
    assert picture.remarks == ("The EXIF data of a BigTIFF file are not read.",)
