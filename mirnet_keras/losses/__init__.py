"""What training makes small: errors of pixels and of features, and the adversarial losses."""

from typing import Any

import keras

from mirnet_keras.losses.adversarial import (
    ADVERSARIAL_LOSSES,
    AdversarialLoss,
    hinge_discriminator_loss,
    hinge_generator_loss,
    relativistic_discriminator_loss,
    relativistic_generator_loss,
    vanilla_discriminator_loss,
    vanilla_generator_loss,
)
from mirnet_keras.losses.charbonnier import Charbonnier, charbonnier
from mirnet_keras.losses.enhancement import EnhancementLoss, multi_scale_ssim
from mirnet_keras.losses.perceptual import PerceptualLoss
from mirnet_keras.losses.weighted import WeightedLosses

LOSSES: dict[str, Any] = {
    "charbonnier": Charbonnier,
    "l1": keras.losses.MeanAbsoluteError,
    "enhancement": EnhancementLoss,
    "mse": keras.losses.MeanSquaredError,
}

__all__ = [
    "ADVERSARIAL_LOSSES",
    "AdversarialLoss",
    "Charbonnier",
    "EnhancementLoss",
    "LOSSES",
    "PerceptualLoss",
    "WeightedLosses",
    "charbonnier",
    "hinge_discriminator_loss",
    "hinge_generator_loss",
    "multi_scale_ssim",
    "relativistic_discriminator_loss",
    "relativistic_generator_loss",
    "vanilla_discriminator_loss",
    "vanilla_generator_loss",
]
