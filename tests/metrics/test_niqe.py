import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from skimage import data

from mirnet_keras.demo import demo_picture
from mirnet_keras.images import read_image, to_float
from mirnet_keras.imresize import imresize
from mirnet_keras.metrics import NIQEParameters, niqe, perceptual_index
from mirnet_keras.metrics.natural_scene_statistics import block_features
from mirnet_keras.metrics.niqe import OWN_PARAMETERS, luma_plane

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.fixture(scope="module")
def baboon(shared):
    return read_image(shared / "data/features/baboon.png")


@pytest.fixture(scope="module")
def official(shared):
    return shared / "data/features/niqe_pris_params.npz"


def golden_inputs(baboon):
    """What the cases of the golden file describe, each with its border."""
    grey = np.round(baboon @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)
    low_contrast = np.round((baboon - 128.0) * 0.5 + 128).astype(np.uint8)
    whole = [baboon, baboon[:288, 100:388]]
    others = [grey, low_contrast, data.astronaut(), data.coffee(), data.grass()]
    return [(image, 0) for image in whole] + [(baboon, 4)] + [(image, 0) for image in others]


def test_the_official_figures(baboon, official):
    cases = json.loads((GOLDEN / "NIQE_cases.json").read_text())["cases"]
    assert niqe(baboon, official) == pytest.approx(5.7296, abs=1e-4)  # MATLAB's
    for case, (image, border) in zip(cases, golden_inputs(baboon), strict=True):
        expected = case["niqe"]
        assert niqe(image, official, border) == pytest.approx(expected, abs=1e-6), case["image"]


def test_features_of_every_block(baboon):
    expected = load_file(GOLDEN / "NIQE_cases.safetensors")["mid/features"]
    found = block_features(luma_plane(baboon))
    np.testing.assert_allclose(found, expected, atol=1e-6 * np.abs(expected).max())


def test_floats_score_like_the_8_bit_image_they_are_rounded_to():
    image = demo_picture("coffee.webp")
    assert niqe(to_float(image)) == niqe(image)


def test_own_parameters_rank_the_original_above_damaged_copies():
    image = demo_picture("cat.webp")
    small = imresize(image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2], 1 / 2)
    noise = np.random.default_rng(0).normal(0, 25, image.shape)
    noisy = np.clip(image + noise, 0, 255).astype(np.uint8)
    assert niqe(image) + 0.5 < min(niqe(imresize(small, 2)), niqe(noisy))


def test_a_picture_that_has_the_parameters_statistics_scores_0():
    image = demo_picture("cat.webp")
    features = block_features(luma_plane(image))
    own = NIQEParameters(features.mean(axis=0), np.cov(features, rowvar=False))
    assert niqe(image, own) == 0


@pytest.mark.slow
def test_own_parameters_are_those_of_the_fit(shared, monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[2])  # of the checkout
    from benchmarks.fit_niqe import fit

    shipped = NIQEParameters.read(OWN_PARAMETERS)
    mean, covariance, _ = fit(shared / "data/sr_train/photo_crops")
    np.testing.assert_allclose(shipped.mean, mean, rtol=1e-6)
    np.testing.assert_allclose(shipped.covariance, covariance, atol=1e-6 * np.abs(covariance).max())


def test_two_blocks_are_the_least():
    image = np.random.default_rng(0).integers(0, 256, (100, 200, 3), dtype=np.uint8)
    assert niqe(image, border=2) > 0
    with pytest.raises(ValueError, match="two blocks.*100 x 200.*border=5"):
        niqe(image, border=5)
    for small in (image[:95], image[:, :191]):
        with pytest.raises(ValueError, match="two blocks"):
            niqe(small)


def test_flat_blocks_do_not_count_and_flat_pictures_are_refused():
    image = np.random.default_rng(0).integers(0, 256, (96, 288, 3), dtype=np.uint8)
    half_flat = image.copy()
    half_flat[:, 192:] = 7
    assert np.isfinite(niqe(half_flat))
    with pytest.raises(ValueError, match="the others are flat"):
        niqe(np.zeros((192, 192, 3), np.uint8))


def test_other_inputs_are_refused(tmp_path):
    with pytest.raises(ValueError, match="one by one"):
        niqe(np.zeros((1, 192, 192, 3), np.uint8))
    with pytest.raises(FileNotFoundError, match="niqe_pris_params.npz"):
        niqe(np.zeros((192, 192, 3), np.uint8), tmp_path / "none.npz")
    np.savez(tmp_path / "other.npz", mean=np.zeros(36))
    with pytest.raises(ValueError, match="mu_pris_param"):
        NIQEParameters.read(tmp_path / "other.npz")
    with pytest.raises(ValueError, match=r"\(35,\)"):
        NIQEParameters(np.zeros(35), np.zeros((36, 36)))


def test_perceptual_index():
    assert perceptual_index(niqe=3.0, ma=8.0) == 2.5
    with pytest.raises(ValueError, match="Ma et al"):
        perceptual_index(3.0)
