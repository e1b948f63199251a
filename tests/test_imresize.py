import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirnet_keras.images import crop_to_multiple, read_image
from mirnet_keras.imresize import imresize, output_size

CASES = [("Set5", "Set5/LRBI", "symmetric", scale) for scale in (2, 3, 4, 8)]
CASES += [("Set14", "Set14/LRBI", "symmetric", scale) for scale in (2, 3, 4, 8)]
CASES += [("Set5", "published/RCAN_LRBI/Set5", "replicate", scale) for scale in (2, 3, 4)]


@pytest.mark.parametrize(("dataset", "folder", "border", "scale"), CASES)
def test_published_low_resolution_images_to_the_last_bit(shared, dataset, folder, border, scale):
    paths = sorted((shared / "data/sr" / folder / f"x{scale}").glob("*.png"))
    assert len(paths) == {"Set5": 5, "Set14": 14}[dataset]
    for path in paths:
        high = crop_to_multiple(read_image(shared / "data/sr" / dataset / "HR" / path.name), scale)
        low = imresize(high, 1 / scale, border=border)
        np.testing.assert_array_equal(low, read_image(path), err_msg=path.name)


def test_halving_a_step_by_hand():
    # Keys' kernel at distances 1/4, 3/4, 5/4, 7/4 and halved: these 8 taps sum to 1.
    taps = np.array([-3, -9, 29, 111, 111, 29, -9, -3]) / 256
    step = np.repeat([0.0, 1.0], 8).reshape(16, 1, 1)
    rows = np.concatenate([step[:3][::-1], step])[:, 0, 0]
    expected = [taps @ rows[2 * i : 2 * i + 8] for i in range(6)]
    columns = np.repeat(step, 16, axis=1)
    np.testing.assert_allclose(imresize(columns, 1 / 2)[:6, 3, 0], expected, atol=1e-15)


def test_doubling_a_ramp_hits_the_quarters():
    ramp = np.tile(np.arange(12.0), (12, 1))[..., None]
    doubled = imresize(ramp, 2)
    np.testing.assert_allclose(doubled[12, 6:18, 0], np.arange(6, 18) / 2 - 0.25, atol=1e-12)


def test_borders_differ_only_near_the_border():
    image = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    symmetric, replicate = imresize(image, 1 / 2), imresize(image, 1 / 2, border="replicate")
    assert (symmetric != replicate).any()
    np.testing.assert_array_equal(symmetric[2:-2, 2:-2], replicate[2:-2, 2:-2])


def test_integers_are_rounded_between_the_passes_and_floats_are_not():
    image = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    exact = imresize(image.astype(np.float64), 1 / 2)
    integers = imresize(image, 1 / 2)
    assert integers.dtype == np.uint8
    assert (integers != np.clip(np.floor(exact + 0.5), 0, 255)).any()
    assert np.abs(integers - np.clip(exact, 0, 255)).max() < 2


def test_overshoot_is_kept_in_floats_and_clipped_in_integers():
    step = np.zeros((16, 16, 1), np.uint8)
    step[8:] = 255
    assert imresize(step, 2).max() == 255
    floats = imresize(step / 255, 2)
    assert floats.min() < -0.05
    assert floats.max() > 1.05
    np.testing.assert_array_equal(imresize(step, 2) == 0, np.floor(floats * 255 + 0.5) <= 0)


def test_float32_and_uint16_stay_what_they_are():
    image = np.random.default_rng(0).random((9, 12, 3), np.float32)
    assert imresize(image, 1 / 3).dtype == np.float32
    deep = np.full((9, 12, 3), 65535, np.uint16)
    np.testing.assert_array_equal(imresize(deep, 1 / 3), np.full((3, 4, 3), 65535))


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1 / 2, 1 / 3, 0.7, 1, 1.5, 3]))
def test_constant_images_stay_constant_at_any_size(height, width, scale):
    image = np.full((height, width, 1), 77, np.uint8)
    resized = imresize(image, scale)
    assert resized.shape == (output_size(height, scale), output_size(width, scale), 1)
    assert (resized == 77).all()


@given(st.integers(1, 20), st.integers(1, 20), st.sampled_from([1 / 2, 1 / 3, 0.7, 2]))
def test_rows_and_columns_are_treated_alike(height, width, scale):
    image = np.random.default_rng(height * 21 + width).random((height, width, 2))
    turned = imresize(image.swapaxes(0, 1), scale).swapaxes(0, 1)
    np.testing.assert_allclose(imresize(image, scale), turned, atol=1e-12)


@pytest.mark.parametrize(
    ("size", "scale", "expected"),
    [
        (9, 1 / 3, 3),
        (10, 1 / 3, 4),
        (300, 1 / 3, 100),
        (77, 9 / 11, 63),
        (50, 1.1, 55),
        (5, 1 / 8, 1),
    ],
)
def test_output_size_is_rounded_up_but_not_for_float_errors(size, scale, expected):
    assert output_size(size, scale) == expected


def test_what_cannot_be_resized_is_refused():
    image = np.zeros((4, 4, 3))
    with pytest.raises(ValueError, match=r"\(height, width, channels\)"):
        imresize(image[0], 2)
    with pytest.raises(ValueError, match="not empty"):
        imresize(image[:0], 2)
    for scale in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="above 0"):
            imresize(image, scale)
    with pytest.raises(ValueError, match="'reflect'"):
        imresize(image, 2, border="reflect")


@pytest.mark.parametrize("scale", [1 / 2, 2, 3, 4])
def test_rows_of_a_result_are_those_of_the_whole(scale):
    image = np.random.default_rng(0).integers(0, 256, (53, 37, 3), dtype=np.uint8)
    for picture in (image, image[..., :1], image.astype(np.float32)):
        whole = imresize(picture, scale)
        for first, stop in ((0, 1), (3, 26), (15, len(whole))):
            part = imresize(picture, scale, rows=(first, stop))
            np.testing.assert_array_equal(part, whole[first:stop])
