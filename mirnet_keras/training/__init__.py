"""From a recipe to a trained model, through `model.fit`."""

from mirnet_keras.training.train import compile_model, train

__all__ = ["compile_model", "train"]
