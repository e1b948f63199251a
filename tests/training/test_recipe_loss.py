import keras
import numpy as np
import pytest

import mirnet_keras.training.recipe_loss as recipe_loss
from mirnet_keras import features
from mirnet_keras.losses import Charbonnier, charbonnier
from mirnet_keras.recipes import Recipe

RANDOM = np.random.default_rng(0)
TRUE, RESTORED = RANDOM.random((2, 2, 32, 32, 3), np.float32)


def recipe(**changes):
    values = {
        "name": "mine",
        "network": "awsrn",
        "arguments": {"scale": 2},
        "data": {"kind": "super_resolution", "folders": ["hr"]},
        "stages": [{"steps": 250, "crop": 32, "batch": 2}],
        "validate_every": 250,
        "precision": "float32",
    }
    return Recipe.model_validate(values | changes)


def test_without_features_it_is_the_loss_of_the_pixels(tmp_path):
    assert isinstance(recipe_loss.recipe_loss(recipe(), tmp_path), Charbonnier)


def test_perceptual_loss_is_added_with_its_weight(tmp_path, monkeypatch):
    wanted = []

    def network(path, layers, dtype):
        wanted.append((path, layers, dtype))
        return keras.layers.Lambda(lambda images: {"mean": 10 * images})

    monkeypatch.setitem(recipe_loss.FEATURES, "vgg16", network)
    options = {
        "features": "vgg16",
        "feature_weights": "features/vgg.safetensors",
        "feature_layers": ["block1_conv2"],
        "weight": 0.5,
    }
    loss = recipe_loss.recipe_loss(recipe(perceptual=options), tmp_path)
    expected = np.mean(charbonnier(TRUE, RESTORED)) + 0.5 * 10 * np.abs(TRUE - RESTORED).mean()
    assert float(loss(TRUE, RESTORED)) == pytest.approx(expected, rel=1e-5)
    assert wanted == [(tmp_path / "features/vgg.safetensors", ["block1_conv2"], "float32")]


def test_networks_are_those_of_features():
    assert recipe_loss.FEATURES["vgg19"] is features.vgg19_features
