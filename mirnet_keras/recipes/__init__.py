"""Training recipes: readable YAML files, read into one typed `Recipe`."""

from mirnet_keras.recipes.expected import CurvePoint, Expected
from mirnet_keras.recipes.recipe import (
    AdversarialOptions,
    DegradedData,
    MixedData,
    PairedData,
    Recipe,
    RecipeError,
    SegmentedData,
    StageOptions,
    SuperResolutionData,
    list_recipes,
    load_recipe,
)

__all__ = [
    "AdversarialOptions",
    "CurvePoint",
    "DegradedData",
    "Expected",
    "MixedData",
    "PairedData",
    "Recipe",
    "RecipeError",
    "SegmentedData",
    "StageOptions",
    "SuperResolutionData",
    "list_recipes",
    "load_recipe",
]
