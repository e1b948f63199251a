import math

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.metrics import structural_similarity

from mirnet_keras import metrics
from mirnet_keras.images import crop_to_multiple, luma, read_image
from mirnet_keras.metrics import PROTOCOLS, Score, psnr, score, ssim

GAUSSIAN = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
BOTH = [(metrics.PSNR, psnr), (metrics.SSIM, ssim)]


def pair(height=24, width=30, seed=0):
    """A uint8 image and a noisy copy."""
    rng = np.random.default_rng(seed)
    clean = rng.integers(0, 256, (height, width, 3))
    noisy = np.clip(clean + rng.normal(0, 20, clean.shape), 0, 255)
    return clean.astype(np.uint8), noisy.astype(np.uint8)


def test_psnr_by_hand():
    black = np.zeros((2, 2, 3))
    assert psnr(black, black + 0.1) == pytest.approx(20, abs=1e-9)  # 10 log10(1 / 0.01)
    one_pixel = black.copy()
    one_pixel[0, 0, 0] = 0.1
    assert psnr(black, one_pixel) == pytest.approx(20 + 10 * math.log10(12), abs=1e-9)
    assert psnr(black[:1, :1, 0], one_pixel[:1, :1, 0]) == pytest.approx(20, abs=1e-9)


def test_uint8_does_not_wrap_around():
    black, white = np.zeros((2, 2, 3), np.uint8), np.full((2, 2, 3), 255, np.uint8)
    assert psnr(black, white, max_value=255) == pytest.approx(0, abs=1e-12)


def test_equal_images():
    image = pair()[0]
    assert psnr(image, image, max_value=255) == math.inf
    assert ssim(image, image, max_value=255) == 1
    assert ssim(image, image, max_value=255, window="uniform") == 1


@given(st.integers(0, 2**32 - 1), st.integers(0, 6), st.booleans())
def test_the_scale_of_the_values_does_not_matter(seed, border, y):
    clean, noisy = pair(seed=seed)
    for measure in (psnr, ssim):
        whole = measure(clean, noisy, max_value=255, border=border, luma=y)
        unit = measure(clean / 255, noisy / 255, border=border, luma=y)
        assert whole == pytest.approx(unit, rel=1e-9)


def test_border_is_cut_from_each_of_the_four_sides():  # C11
    clean, noisy = pair()
    framed = noisy.copy()
    framed[3:-3, 3:-3] = clean[3:-3, 3:-3]
    assert psnr(clean, framed, max_value=255, border=3) == math.inf
    for kept in (np.s_[2:3], np.s_[-3:-2], np.s_[:, 2:3], np.s_[:, -3:-2]):
        one_side = clean.copy()
        one_side[kept] = noisy[kept]
        assert psnr(clean, one_side, max_value=255, border=2) < math.inf
        assert psnr(clean, one_side, max_value=255, border=3) == math.inf


def test_luma_is_the_y_of_both_images():  # C10
    clean, noisy = pair()
    error = np.mean((luma(clean) - luma(noisy)) ** 2)
    expected = 10 * math.log10(255**2 / error)
    assert psnr(clean, noisy, max_value=255, luma=True) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("window", "options"), [("gaussian", GAUSSIAN), ("uniform", {})])
@pytest.mark.parametrize("shape", [(24, 30, 3), (11, 11, 1), (40, 13)])
def test_ssim_equals_scikit_image(window, options, shape):
    rng = np.random.default_rng(1)
    clean = rng.integers(0, 256, shape, dtype=np.uint8)
    noisy = np.clip(clean + rng.normal(0, 30, shape), 0, 255).astype(np.uint8)
    axis = -1 if len(shape) == 3 else None
    expected = structural_similarity(clean, noisy, data_range=255, channel_axis=axis, **options)
    assert ssim(clean, noisy, max_value=255, window=window) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("measure", [psnr, ssim])
def test_pairs_that_do_not_compare_are_refused(measure):
    image = np.zeros((16, 16, 3))
    with pytest.raises(ValueError, match=r"differ in shape.*\(16, 16, 3\).*\(16, 15, 3\)"):
        measure(image, image[:, :15])
    with pytest.raises(ValueError, match="one by one"):
        measure(image[None], image[None])
    for nothing in (image[:0], image[..., :0]):
        with pytest.raises(ValueError, match="leaves nothing"):
            measure(nothing, nothing)
    for long in (image, np.zeros((16, 40, 3)), np.zeros((40, 16, 3))):
        with pytest.raises(ValueError, match="border of 8 leaves nothing"):
            measure(long, long, border=8)
    with pytest.raises(ValueError, match="border"):
        measure(image, image, border=-1)
    with pytest.raises(ValueError, match="reference holds NaN"):
        measure(image + np.nan, image)
    with pytest.raises(ValueError, match="restored image holds NaN"):
        measure(image, image + np.inf)
    with pytest.raises(ValueError, match="RGB"):
        measure(image[..., :1], image[..., :1], luma=True)


def test_ssim_of_images_smaller_than_the_window_is_refused():
    small = np.zeros((10, 30, 3))
    with pytest.raises(ValueError, match="at least 11 x 11"):
        ssim(small, small)
    assert ssim(small, small, window="uniform") == 1
    with pytest.raises(ValueError, match="at least 7 x 7.*border=2"):
        ssim(small, small, window="uniform", border=2)
    with pytest.raises(ValueError, match="'box'"):
        ssim(small, small, window="box")


@pytest.mark.parametrize("measure", [psnr, ssim])
def test_a_peak_that_does_not_fit_is_named(measure):
    clean, noisy = pair()
    with pytest.warns(UserWarning, match="lies in 0..1, but max_value=255") as caught:
        measure(clean / 255, noisy / 255, max_value=255)
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="values reach 255, well above max_value=1"):
        measure(clean, noisy)
    with pytest.warns(UserWarning, match="well above max_value=1"):
        measure(clean / 255, noisy.astype(float))


def test_dark_8_bit_images_and_overshoot_raise_no_warning():
    dark = np.zeros((16, 16, 3), np.uint8)
    psnr(dark, dark + np.uint8(1), max_value=255)
    psnr(dark / 255, dark / 255 + 1.2)


@pytest.mark.parametrize(
    ("scale", "decibels", "similarity"),
    [(2, 38.2742, 0.9614), (3, 34.7422, 0.9299), (4, 32.6336, 0.9002)],
)
def test_published_figures_of_rcan(shared, scale, decibels, similarity):
    scores = []
    for path in sorted((shared / f"data/sr/published/RCAN/Set5/x{scale}").glob("*.png")):
        reference = read_image(shared / "data/sr/Set5/HR" / path.name)
        reference = crop_to_multiple(reference, scale)
        scores.append(score(reference, read_image(path), "classical-y", scale))
    assert len(scores) == 5
    assert np.mean([s.psnr for s in scores]) == pytest.approx(decibels, abs=1e-3)
    assert np.mean([s.ssim for s in scores]) == pytest.approx(similarity, abs=1e-4)


@pytest.mark.parametrize(
    ("protocol", "decibels", "similarity"),
    [("lol", 7.773, 0.1914), ("lol-gtmean", 18.784, 0.5006)],
)
def test_known_figures_of_the_untouched_low_light_test_set(shared, protocol, decibels, similarity):
    folder = shared / "data/lowlight/eval15"
    scores = [
        score(read_image(folder / "high" / path.name), read_image(path), protocol)
        for path in sorted((folder / "low").glob("*.png"))
    ]
    assert len(scores) == 15
    assert np.mean([s.psnr for s in scores]) == pytest.approx(decibels, abs=1e-3)
    assert np.mean([s.ssim for s in scores]) == pytest.approx(similarity, abs=1e-4)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_floats_are_clipped_and_rounded_half_up_before_scoring(protocol):
    clean, noisy = pair()
    shifted = noisy / 255 + np.where(noisy == 255, 0.3, 0.4 / 255)
    assert score(clean, shifted, protocol) == score(clean, noisy, protocol)
    assert score(clean, noisy, protocol).protocol == protocol


def test_rgb_and_lol_differ_in_the_window_alone():
    clean, noisy = pair()
    rgb, lol = score(clean, noisy, "rgb"), score(clean, noisy, "lol")
    assert rgb.psnr == lol.psnr == psnr(clean, noisy, max_value=255)
    assert rgb.ssim == ssim(clean, noisy, max_value=255)
    assert lol.ssim == ssim(clean, noisy, max_value=255, window="uniform")


def test_scale_is_the_border_of_classical_y_alone():
    clean, noisy = pair()
    cut = score(clean, noisy, "classical-y", scale=3)
    assert cut.psnr == psnr(clean, noisy, max_value=255, border=3, luma=True)
    assert cut.ssim == ssim(clean, noisy, max_value=255, border=3, luma=True)
    assert score(clean, noisy, "rgb", scale=3) == score(clean, noisy, "rgb")


def test_gtmean_forgives_a_wrong_exposure():
    clean = pair()[0] // 2
    assert score(clean * 2, clean, "lol-gtmean").psnr == math.inf
    black = np.zeros_like(clean)
    assert score(clean, black, "lol-gtmean").psnr == score(clean, black, "lol").psnr


def test_score_refuses_what_it_cannot_score():
    clean, noisy = pair()
    with pytest.raises(ValueError, match="Did you mean 'classical-y'"):
        score(clean, noisy, "clasical-y")
    with pytest.raises(ValueError, match="differ in shape"):
        score(clean, noisy[1:], "rgb")
    with pytest.warns(UserWarning, match="well above max_value=1"):
        score(clean, noisy.astype(np.float32), "rgb")


def test_scores_are_ordered_within_a_protocol_only():
    good, bad = Score("rgb", 30.0, 0.9), Score("rgb", 20.0, 0.95)
    assert bad < good
    assert max(bad, good) is good
    assert Score("rgb", 30.0, 0.8) < good <= Score("rgb", 30.0, 0.9)
    other = Score("lol", 30.0, 0.9)
    for compare in (Score.__lt__, Score.__gt__, Score.__le__, Score.__ge__):
        with pytest.raises(ValueError, match="'rgb'.*'lol'"):
            compare(good, other)
    assert good != other


@pytest.mark.parametrize(("metric", "measure"), BOTH)
@pytest.mark.parametrize("options", [{}, {"border": 3, "luma": True}])
def test_keras_metric_is_the_mean_over_images(metric, measure, options):
    pairs = [pair(seed=seed) for seed in range(3)]
    expected = np.mean([measure(a / 255, b / 255, **options) for a, b in pairs])
    truths, predictions = (np.stack(side) / 255 for side in zip(*pairs, strict=True))
    meter = metric(**options)
    meter.update_state(truths[:2], predictions[:2])  # batches of 2 and 1
    meter.update_state(truths[2:], predictions[2:])
    assert float(meter.result()) == pytest.approx(expected, rel=2e-6)
    meter.reset_state()
    assert float(meter.result()) == 0


@pytest.mark.parametrize(("metric", "measure"), BOTH)
def test_keras_metric_takes_other_peaks_and_clips_predictions(metric, measure):
    clean, noisy = pair()
    meter = metric(max_value=255)
    outside = np.where(noisy == 255, 300.0, np.where(noisy == 0, -40.0, noisy))
    assert (outside != noisy).any()
    meter.update_state(clean[None], outside[None])
    assert float(meter.result()) == pytest.approx(measure(clean, noisy, max_value=255), rel=2e-6)


def test_keras_metrics_stay_finite_for_equal_and_flat_images():
    flat = np.full((1, 16, 16, 3), 0.5)
    for metric, expected in ((metrics.PSNR, 100), (metrics.SSIM, 1)):
        meter = metric()
        meter.update_state(flat, flat)
        assert float(meter.result()) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("metric", "measure"), BOTH)
def test_keras_metric_weights_images(metric, measure):
    pairs = [pair(seed=seed) for seed in range(2)]
    truths, predictions = (np.stack(side) / 255 for side in zip(*pairs, strict=True))
    meter = metric()
    meter.update_state(truths, predictions, sample_weight=[0, 1])
    assert float(meter.result()) == pytest.approx(measure(truths[1], predictions[1]), rel=2e-6)


@pytest.mark.parametrize("metric", [metrics.PSNR, metrics.SSIM])
def test_keras_metric_config_round_trip(metric):
    meter = metric(border=2, luma=True, max_value=255.0, name="y")
    copy = keras.metrics.deserialize(keras.metrics.serialize(meter))
    assert isinstance(copy, metric)
    assert copy.get_config() == meter.get_config()
    assert (copy.border, copy.luma, copy.max_value, copy.name) == (2, True, 255.0, "y")


def test_keras_metrics_in_a_mixed_precision_model_of_any_size():
    clean, noisy = (image[None] / 255 for image in pair())
    policy = keras.DTypePolicy("mixed_bfloat16")
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, keras.layers.Identity(dtype=policy)(inputs))
    model.compile(loss="mse", metrics=[metrics.PSNR(luma=True, border=2), metrics.SSIM()])
    logs = model.evaluate(noisy, clean, return_dict=True, verbose=0)
    expected = psnr(clean[0], noisy[0], luma=True, border=2)
    assert logs["psnr"] == pytest.approx(expected, abs=0.01)  # bfloat16 predictions
    assert logs["ssim"] == pytest.approx(ssim(clean[0], noisy[0]), abs=1e-3)


def test_keras_metrics_refuse_what_they_cannot_measure():
    small = np.zeros((1, 12, 12, 3))
    with pytest.raises(ValueError, match="at least 11 x 11"):
        metrics.SSIM(border=1).update_state(small, small)
    metrics.SSIM(border=1).update_state(*[np.zeros((1, 13, 13, 3))] * 2)  # the least
    with pytest.raises(ValueError, match="border=-1"):
        metrics.PSNR(border=-1)
    with pytest.raises(ValueError, match="max_value=0"):
        metrics.SSIM(max_value=0)


def test_keras_metrics_warn_of_the_wrong_white():
    clean, noisy = (image[None] / 255 for image in pair())
    meter = metrics.PSNR(max_value=255)
    meter.update_state(clean, noisy)
    with pytest.warns(UserWarning, match=r"max_value=255, but no target was above (1|0\.9)"):
        meter.result()
    with pytest.warns(UserWarning):
        meter.reset_state()
    meter.reset_state()  # nothing was seen since
    meter.update_state(255 * clean, 255 * noisy)
    meter.reset_state()
    meter.update_state(clean, noisy)
    with pytest.warns(UserWarning):
        meter.result()
    model = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Identity()])
    model.compile(loss="mse", metrics=[metrics.SSIM(max_value=255)])
    with pytest.warns(UserWarning, match="max_value=255"):
        model.evaluate(noisy, clean, verbose=0)
    right = metrics.PSNR(max_value=255)
    right.update_state(255 * clean, 255 * noisy)
    assert float(right.result()) == pytest.approx(psnr(clean[0], noisy[0]), abs=0.01)
