import cv2
import numpy as np
import pytest
from PIL import Image

from mirnet_keras.images import ImageError
from mirnet_keras.pictures import Picture, encode_picture, read_picture
from mirnet_keras.presets import find, list_presets, read_preset
from mirnet_keras.restorer import Restorer, restore_picture

RED, BLUE = (200, 20, 20), (20, 20, 200)


def blurring(image):
    """Stands for a network that doubles the size, and mixes colours of neighbours."""
    size = 2 * image.shape[1], 2 * image.shape[0]
    return cv2.GaussianBlur(cv2.resize(image, size, interpolation=cv2.INTER_NEAREST), (9, 9), 2)


def darkening(image):
    return image // 2


def disc(dtype=np.uint8, grey=False):
    """A red disc that is opaque, on blue that is not to be seen."""
    full = np.iinfo(dtype).max
    alpha = np.zeros((24, 20), dtype)
    alpha[6:18, 5:15] = full
    alpha[11, 4] = full // 3
    pixels = np.where(alpha[..., None] > 0, RED, BLUE) * (full // 255)
    return Picture((pixels[..., 0] if grey else pixels).astype(dtype), alpha)


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("alpha", ["net", "resize"])
def test_hidden_colours_do_not_bleed_and_opaque_stays_opaque(alpha, dtype, grey):
    picture = disc(dtype, grey)
    result = restore_picture(blurring, picture, scale=2, alpha=alpha)
    assert result.pixels.dtype == result.alpha.dtype == dtype
    assert result.pixels.shape == ((48, 40) if grey else (48, 40, 3))
    full = np.iinfo(dtype).max
    assert (result.alpha[14:34, 12:28] == full).all()
    assert (result.alpha[:10] == 0).all()
    assert len(np.unique(result.alpha)) > 3  # neither thresholded nor copied
    visible = result.pixels[result.alpha > 0]
    assert np.abs(visible / (full // 255) - (RED[0] if grey else RED)).max() < 2


def test_alpha_can_be_dropped_or_flattened():
    dropped = restore_picture(blurring, disc(), scale=2, alpha="drop")
    assert dropped.alpha is None
    assert dropped.pixels[0, 0].tolist() == list(BLUE)
    flat = restore_picture(blurring, disc(), scale=2, alpha="flatten")
    assert flat.alpha is None
    assert flat.pixels[0, 0].tolist() == [255, 255, 255]
    with pytest.raises(ValueError, match="one of net, resize, drop, flatten"):
        restore_picture(blurring, disc(), scale=2, alpha="keep")


def test_a_network_for_brightness_leaves_opacity_alone():
    result = restore_picture(darkening, disc(), scale=1)
    np.testing.assert_array_equal(result.alpha, disc().alpha)


@pytest.mark.parametrize("value", [0, 255])
def test_one_opacity_everywhere_is_kept_exactly(value):
    alpha = np.full((6, 7), value, np.uint8)
    pixels = np.random.default_rng(0).integers(0, 256, (6, 7, 3), np.uint8)
    result = restore_picture(blurring, Picture(pixels, alpha), scale=2)
    np.testing.assert_array_equal(result.alpha, np.full((12, 14), value, np.uint8))
    if value:
        np.testing.assert_array_equal(result.pixels, blurring(pixels))


def test_metadata_are_kept_or_left_out(tmp_path):
    exif = Image.Exif()
    exif[0x0112], exif[0x0110] = 6, "camera"
    source = Image.fromarray(np.random.default_rng(0).integers(0, 256, (6, 9, 3), np.uint8))
    source.save(tmp_path / "a.jpg", exif=exif, icc_profile=b"profile", dpi=(300, 300))
    restorer = Restorer(identity())
    assert restorer.restore_file(tmp_path / "a.jpg", tmp_path / "b.jpg") == ()
    result = read_picture(tmp_path / "b.jpg")
    assert (result.icc, result.dpi, result.pixels.shape) == (b"profile", (300, 300), (9, 6, 3))
    kept = Image.Exif()
    kept.load(result.exif)
    assert dict(kept) == {0x0110: "camera"}
    restorer.restore_file(tmp_path / "a.jpg", tmp_path / "c.jpg", keep_metadata=False)
    result = read_picture(tmp_path / "c.jpg")
    assert (result.exif, result.icc) == (None, b"profile")
    with pytest.raises(ImageError, match="too many pixels"):
        restorer.restore_file(tmp_path / "a.jpg", tmp_path / "d.jpg", max_pixels=53)
    assert not (tmp_path / "d.jpg").exists()


def test_sixteen_bits_are_more_than_256_levels(tmp_path):
    ramp = np.repeat(np.arange(20_000, 20_600, dtype=np.uint16)[None], 8, axis=0)
    (tmp_path / "a.png").write_bytes(encode_picture(Picture(ramp), ".png")[0])
    Restorer("awsrn_s_x2").restore_file(tmp_path / "a.png", tmp_path / "b.png")
    result = read_picture(tmp_path / "b.png")
    assert (result.pixels.dtype, result.pixels.shape) == (np.uint16, (16, 1200))
    assert len(np.unique(result.pixels)) > 400


@pytest.mark.parametrize("name", [preset.name for preset in list_presets()])
def test_grey_stays_neutral_and_white_white_with_every_preset(name):
    restorer = Restorer(name)
    ramp = np.repeat(np.arange(0, 256, 4, dtype=np.uint8)[None], 24, axis=0)
    coloured = restorer(np.repeat(ramp[..., None], 3, axis=-1))
    np.testing.assert_array_equal(coloured, np.repeat(restorer(ramp)[..., None], 3, axis=-1))
    if read_preset(find(name)).task != "low-light enhancement":
        white = restore_picture(restorer, Picture(np.full_like(ramp, 255)), scale=restorer.scale)
        assert white.pixels[8:-8, 8:-8].min() >= 254
        assert white.pixels.min() >= 240  # at the border, beyond which networks see black


def identity():
    """A network that gives back what it gets."""
    from mirnet_keras.models import MIRNetV2

    network = MIRNetV2(filters=8, blocks=1, convolution_groups=(1,))
    for weight in network.weights:
        weight.assign(0 * weight)
    return network
