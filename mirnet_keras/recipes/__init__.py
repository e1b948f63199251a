"""Training recipes: readable YAML files, read into one typed `Recipe`."""

from mirnet_keras.recipes.data import (
    DegradedData,
    MixedData,
    PairedData,
    SegmentedData,
    SuperResolutionData,
)
from mirnet_keras.recipes.expected import CurvePoint, Expected
from mirnet_keras.recipes.recipe import (
    AdversarialOptions,
    FeatureOptions,
    PerceptualOptions,
    Recipe,
    RecipeError,
    StageOptions,
    list_recipes,
    load_recipe,
)

__all__ = [
    "AdversarialOptions",
    "CurvePoint",
    "DegradedData",
    "Expected",
    "FeatureOptions",
    "MixedData",
    "PairedData",
    "PerceptualOptions",
    "Recipe",
    "RecipeError",
    "SegmentedData",
    "StageOptions",
    "SuperResolutionData",
    "list_recipes",
    "load_recipe",
]
