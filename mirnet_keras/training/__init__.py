"""From a recipe to a trained model, through `model.fit`."""

from mirnet_keras.training.adversarial import AdversarialModel, adversarial_optimizer
from mirnet_keras.training.train import compile_model, train

__all__ = ["AdversarialModel", "adversarial_optimizer", "compile_model", "train"]
