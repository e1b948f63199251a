"""Training recipes: readable YAML files, read into one typed `Recipe`."""

from mirnet_keras.recipes.recipe import (
    AdversarialOptions,
    DegradedData,
    PairedData,
    Recipe,
    RecipeError,
    SegmentedData,
    SuperResolutionData,
    list_recipes,
    load_recipe,
)

__all__ = [
    "AdversarialOptions",
    "DegradedData",
    "PairedData",
    "Recipe",
    "RecipeError",
    "SegmentedData",
    "SuperResolutionData",
    "list_recipes",
    "load_recipe",
]
