import re

import numpy as np
import pytest
from PIL import Image

from mirnet_keras.data import CleanImages, DataError, PairedImages, SuperResolutionImages, imresize
from mirnet_keras.images import ImageError, encode_image, read_image, write_image


def picture(height=12, width=16, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def write_turned(path, height=12, width=16):
    """A picture stored lying, to be shown standing: 16 x 12 becomes (height 16, width 12)."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(picture(height, width)).save(path, exif=exif)


@pytest.fixture
def folders(tmp_path):
    """Two folders with the pairs a and b."""
    for folder in ("low", "high"):
        for seed, name in enumerate("ab"):
            write_image(tmp_path / folder / f"{name}.png", picture(seed=seed))
    return tmp_path / "low", tmp_path / "high"


def test_pairs_by_name_whatever_the_suffix(folders):
    low, high = folders
    write_image(low / "c.bmp", picture(14, 18))
    write_image(high / "c.PNG", picture(14, 18, seed=5))
    (low / "notes.txt").write_text("no picture")
    images = PairedImages(low, high)
    assert len(images) == 3
    assert images.scale == 1
    assert images.sizes == [(12, 16), (12, 16), (14, 18)]
    source, target = images.pair(2)
    np.testing.assert_array_equal(source, picture(14, 18))
    np.testing.assert_array_equal(target, picture(14, 18, seed=5))
    assert images.pair(2)[0] is source  # from the cache


def test_targets_may_be_larger_by_the_scale(tmp_path):
    write_image(tmp_path / "low/a.png", picture(5, 7))
    write_image(tmp_path / "high/a.png", picture(10, 14, seed=1))
    images = PairedImages(tmp_path / "low", tmp_path / "high", crop=10, scale=2)
    assert (images.scale, images.sizes) == (2, [(10, 14)])
    assert [image.shape[:2] for image in images.pair(0)] == [(5, 7), (10, 14)]
    write_image(tmp_path / "low/b.png", picture(5, 7))
    write_image(tmp_path / "high/b.png", picture(10, 15))
    message = problems(lambda: PairedImages(tmp_path / "low", tmp_path / "high", scale=2))
    line = f"{tmp_path}/low/b.png: is (5, 7) pixels, {tmp_path}/high/b.png is (10, 15), not 2 times"
    assert line in message
    assert "a.png" not in message


def problems(make):
    with pytest.raises(DataError) as caught:
        make()
    return str(caught.value)


def test_all_problems_are_named_at_once(folders):
    low, high = folders
    write_image(low / "alone.png", picture())
    write_image(high / "lonely.png", picture())
    write_image(low / "b.jpg", picture())
    for folder, size in ((low, (12, 16)), (high, (16, 12))):
        write_image(folder / "other_size.png", picture(*size))
        write_image(folder / "small.png", picture(7, 16))
    write_image(high / "text.png", picture())
    (low / "text.png").write_text("no picture")
    message = problems(lambda: PairedImages(low, high, crop=8))
    assert re.findall(r"^\d+ file\(s\)", message) == ["6 file(s)"]
    lines = message.splitlines()[1:]
    for path, words in [
        (low / "alone.png", "no partner"),
        (high / "lonely.png", "no partner"),
        (low / "other_size.png", r"\(12, 16\).*other_size.*\(16, 12\)"),
        (high / "small.png", "crop of 8"),
        (low / "text.png", "cannot be read"),
        (low / "b", "same name as"),
    ]:
        found = [line for line in lines if str(path) in line and re.search(words, line)]
        assert len(found) == 1, (path, message)


def cut_short(path, kind=".jpg", share=0.5):
    data = encode_image(picture(40, 40), kind)
    path.write_bytes(data[: int(share * len(data))])


@pytest.mark.parametrize("kind", [".jpg", ".png", ".webp", ".bmp"])
def test_a_file_cut_short_is_found_before_training(tmp_path, kind):
    write_image(tmp_path / "good.png", picture())
    cut_short(tmp_path / f"bad{kind}", kind)
    for make in (CleanImages, lambda folder: SuperResolutionImages(folder, 2)):
        message = problems(lambda make=make: make(tmp_path))
        assert f"bad{kind}" in message
        assert "good.png" not in message


def test_a_file_cut_short_is_named_beside_other_problems(tmp_path):
    write_image(tmp_path / "small.png", picture(7, 7))
    cut_short(tmp_path / "bad.jpg")
    message = problems(lambda: CleanImages(tmp_path, crop=8))
    assert "small.png" in message
    assert "bad.jpg" in message


def test_any_damaged_byte_is_survived_or_named(tmp_path):
    whole = encode_image(picture(3, 3), ".png")
    path = tmp_path / "damaged.png"
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            CleanImages(tmp_path)
        except DataError as error:
            assert "damaged.png" in str(error)


def test_pictures_beyond_the_budget_are_not_decoded_at_the_start(tmp_path):
    cut_short(tmp_path / "bad.jpg")
    images = CleanImages(tmp_path, cache_bytes=0)
    with pytest.raises(ImageError, match="bad.jpg"):
        images.pair(0)


@pytest.mark.parametrize(
    "kind",
    [
        "jpg",
        "png",
        "webp",
        "tif",
    ],
)
def test_sizes_are_those_of_the_upright_picture(tmp_path, kind):
    write_turned(tmp_path / f"turned.{kind}")
    images = CleanImages(tmp_path)
    assert images.pair(0)[0].shape == (16, 12, 3)
    assert images.sizes == [(16, 12)]


def test_a_turned_picture_fits_its_upright_partner(folders):
    low, high = folders
    write_turned(low / "turned.jpg")
    write_image(high / "turned.png", picture(16, 12))
    source, target = PairedImages(low, high).pair(2)
    assert source.shape == target.shape


def test_super_resolution_reduces_the_whole_picture(tmp_path):
    write_image(tmp_path / "one/a.png", picture(13, 17))
    write_image(tmp_path / "two/a.png", picture(12, 20, seed=1))
    images = SuperResolutionImages([tmp_path / "one", tmp_path / "two"], scale=3)
    assert (len(images), images.scale) == (2, 3)
    assert images.sizes == [(12, 15), (12, 18)]  # cut to multiples of the scale
    reduced, sharp = images.pair(0)
    np.testing.assert_array_equal(sharp, picture(13, 17)[:12, :15])
    np.testing.assert_array_equal(reduced, imresize(picture(13, 17)[:12, :15], 1 / 3))


def test_the_crop_must_fit_what_the_scale_leaves(tmp_path):
    write_image(tmp_path / "a.png", picture(13, 17))
    assert "smaller than the crop of 13" in problems(lambda: SuperResolutionImages(tmp_path, 3, 13))
    assert len(SuperResolutionImages(tmp_path, 3, 12)) == 1
    assert "a.png" in problems(lambda: SuperResolutionImages(tmp_path, 14))


def test_excluded_files_are_left_out(tmp_path):
    for name in ("one/a.png", "two/a.png"):
        write_image(tmp_path / name, picture())
    folders = [tmp_path / "one", tmp_path / "two"]
    images = SuperResolutionImages(folders, 2, exclude=["two/a.png"])
    assert images.paths == [tmp_path / "one/a.png"]


def test_clean_images_are_input_and_target(tmp_path):
    write_image(tmp_path / "a.png", picture())
    images = CleanImages(str(tmp_path))
    source, target = images.pair(0)
    np.testing.assert_array_equal(source, read_image(tmp_path / "a.png"))
    np.testing.assert_array_equal(source, target)


def test_missing_and_empty_folders_are_named(tmp_path):
    (tmp_path / "empty").mkdir()
    for name in ("empty", "missing"):
        with pytest.raises(ValueError, match=name):
            CleanImages(tmp_path / name)


def test_files_can_be_left_out(folders):
    low, high = folders
    assert [path.stem for path, _ in PairedImages(low, high, exclude=["high/a.png"]).paths] == ["b"]
    assert [path.stem for path in CleanImages([low, high], exclude=["low/b.png"]).paths] == [
        "a",
        "a",
        "b",
    ]
