"""The loss of a recipe."""

import pathlib

import keras

from mirnet_keras import features
from mirnet_keras.losses import LOSSES, PerceptualLoss, WeightedLosses
from mirnet_keras.recipes import FeatureOptions, Recipe

FEATURES = {"vgg16": features.vgg16_features, "vgg19": features.vgg19_features}


def recipe_loss(recipe: Recipe, root: pathlib.Path) -> keras.losses.Loss:
    """Return the loss of the pixels, with the recipe's perceptual loss added if it has one.

    Args:
        recipe: Recipe of the run.
        root: Folder that the paths in the recipe are relative to.
    """
    pixels = LOSSES[recipe.loss]()
    if recipe.perceptual is None:
        return pixels
    perceptual = perceptual_loss(recipe.perceptual, root, recipe.precision)
    return WeightedLosses([pixels, perceptual], [1.0, recipe.perceptual.weight])


def perceptual_loss(options: FeatureOptions, root: pathlib.Path, precision: str) -> PerceptualLoss:
    """Return the perceptual loss of these features, computed in this precision."""
    path = options.feature_weights and root / options.feature_weights
    layers = {"layers": options.feature_layers} if options.feature_layers else {}
    return PerceptualLoss(FEATURES[options.features](path, dtype=precision, **layers))
