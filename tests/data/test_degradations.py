import numpy as np
import pytest

from mirnet_keras.data import (
    DEGRADATIONS,
    CameraNoise,
    GaussianNoise,
    LowLight,
    PoissonGaussianNoise,
)

GREY = np.full((100, 100, 3), 0.25, np.float32)


def applied(degradation, image=GREY, seed=0):
    return degradation(image, np.random.default_rng(seed))


@pytest.mark.parametrize("name", DEGRADATIONS)
def test_every_degradation(name):
    degrade = DEGRADATIONS[name]()
    before = GREY.copy()
    degraded = applied(degrade)
    assert (degraded.shape, degraded.dtype) == (GREY.shape, np.float32)
    np.testing.assert_array_equal(GREY, before)  # the clean image is the target: left alone
    np.testing.assert_array_equal(degraded, applied(degrade))
    assert not np.array_equal(degraded, applied(degrade, seed=1))
    for image in (np.zeros_like(GREY), np.ones_like(GREY)):
        assert np.isfinite(applied(degrade, image)).all()


@pytest.mark.parametrize("sigma", [5, 50])
def test_gaussian_noise_has_its_deviation(sigma):
    noise = applied(GaussianNoise((sigma, sigma))) - GREY
    assert noise.std() == pytest.approx(sigma / 255, rel=0.02)
    assert noise.mean() == pytest.approx(0, abs=0.02 * sigma / 255)


def test_gaussian_noise_draws_its_deviation_anew():
    found = [np.std(applied(GaussianNoise((10, 50)), seed=seed) - GREY) for seed in range(20)]
    assert 10 / 255 * 0.95 < min(found) < 20 / 255
    assert 40 / 255 < max(found) < 50 / 255 * 1.05


def test_smoothed_noise_is_alike_in_neighbours():
    noise = applied(GaussianNoise((20, 20), blur=(0.6, 0.6))) - GREY
    assert noise.std() == pytest.approx(20 / 255, rel=0.02)
    neighbours = np.corrcoef(noise[:, :-1].ravel(), noise[:, 1:].ravel())[0, 1]
    assert 0.3 < neighbours < 0.8


def test_noise_of_a_file_is_rounded_and_clipped():
    noisy = applied(GaussianNoise((50, 50), eight_bit=True), 0 * GREY)
    assert noisy.min() == 0 and np.array_equal(np.rint(noisy * 255), noisy * 255)


def test_noise_is_not_clipped():
    assert applied(GaussianNoise((50, 50)), 0 * GREY).min() < -0.1
    assert applied(GaussianNoise((50, 50)), 0 * GREY + 1).max() > 1.1


@pytest.mark.parametrize("photons", [50, 1000])
def test_shot_noise_grows_with_the_light(photons):
    degrade = PoissonGaussianNoise((photons, photons), (0, 0))
    for level in (0.1, 0.25, 1.0):
        noisy = applied(degrade, np.full_like(GREY, level))
        assert noisy.mean() == pytest.approx(level, rel=0.02)
        assert noisy.var() == pytest.approx(level / photons, rel=0.05)
    assert (applied(degrade, 0 * GREY) == 0).all()


def test_read_noise_does_not():
    degrade = PoissonGaussianNoise((1e9, 1e9), (5, 5))
    for level in (0.0, 1.0):
        noise = applied(degrade, np.full_like(GREY, level)) - level
        assert noise.std() == pytest.approx(5 / 255, rel=0.03)


def camera_noise(level, **options):
    fixed = {"photons": (1000, 1000), "read": (0, 0), "blur": (0, 0), "common": (0, 0)}
    image = np.full((200, 200, 3), level, np.float32)
    return applied(CameraNoise(**(fixed | {"balance": (1, 1)} | options)), image) - image


@pytest.mark.parametrize("level", [0.2, 0.5, 0.8])
def test_camera_noise_is_shot_noise_seen_through_the_gamma(level):
    slope = level ** (1 - 2.2) / 2.2  # of the gamma: what linear light becomes
    expected = slope * np.sqrt(level**2.2 / 1000)
    assert camera_noise(level).std() == pytest.approx(expected, rel=0.05)


def test_camera_noise_is_stronger_in_red_and_blue():
    red, green, blue = camera_noise(0.5, balance=(0.25, 0.25)).std(axis=(0, 1))
    assert red == pytest.approx(2 * green, rel=0.05)
    assert blue == pytest.approx(2 * green, rel=0.05)


def test_camera_noise_is_alike_in_neighbours_and_colours():
    noise = camera_noise(0.5, blur=(0.8, 0.8), common=(0.6, 0.6))
    assert np.corrcoef(noise[:, 1:].ravel(), noise[:, :-1].ravel())[0, 1] == pytest.approx(
        np.exp(-1 / (4 * 0.8**2)), abs=0.05
    )
    assert np.corrcoef(noise[..., 0].ravel(), noise[..., 1].ravel())[0, 1] == pytest.approx(
        0.6, abs=0.05
    )
    assert noise.std() == pytest.approx(camera_noise(0.5).std(), rel=0.05)


def test_camera_noise_is_that_of_a_file():
    noisy = applied(CameraNoise(), 0 * GREY)
    assert noisy.min() == 0 and np.allclose(np.rint(noisy * 255), noisy * 255, atol=1e-4)
    with pytest.raises(ValueError, match="at most 1"):
        CameraNoise(common=(0, 2))


def test_low_light_is_a_gain_in_linear_light():
    dark = applied(LowLight(gain=(0.1, 0.1), photons=(1e9, 1e9)))
    assert np.median(dark) == pytest.approx(0.25 * 0.1 ** (1 / 2.2), abs=1 / 255)


def test_low_light_is_dark_and_has_8_bits():
    image = np.random.default_rng(0).random((64, 64, 3), np.float32)
    for seed in range(5):
        dark = applied(LowLight(), image, seed)
        assert dark.min() >= 0
        assert dark.mean() < 0.6 * image.mean()
        np.testing.assert_allclose(dark * 255, np.round(dark * 255), atol=1e-4)


def test_low_light_may_have_a_cast_another_curve_and_jpeg():
    same = {"gain": (0.1, 0.1), "photons": (1e9, 1e9)}
    plain = applied(LowLight(**same))
    cast = applied(LowLight(**same, balance=(2, 2))).mean(axis=(0, 1))
    assert cast[0] > 1.2 * cast[1] and cast[2] > 1.2 * cast[1]
    assert applied(LowLight(**same, gamma=(3, 3))).mean() > 1.2 * plain.mean()
    stored = applied(LowLight(photons=(500, 500), compressed=1.0))
    assert not np.array_equal(stored, applied(LowLight(photons=(500, 500))))
