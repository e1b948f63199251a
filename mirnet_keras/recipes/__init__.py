"""Training recipes: readable YAML files, read into one typed `Recipe`."""

from mirnet_keras.recipes.recipe import (
    DegradedData,
    PairedData,
    Recipe,
    RecipeError,
    SuperResolutionData,
    list_recipes,
    load_recipe,
)

__all__ = [
    "DegradedData",
    "PairedData",
    "Recipe",
    "RecipeError",
    "SuperResolutionData",
    "list_recipes",
    "load_recipe",
]
