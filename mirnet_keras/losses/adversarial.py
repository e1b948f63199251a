"""Losses of a generator and a discriminator that are trained against each other.

All take the discriminator's logits (before a sigmoid) of real and of restored ("fake") images, of
any shape: one for each image or a map of them. All give one float32 number, the mean over
everything, also under mixed precision.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

from keras import ops


def relativistic_generator_loss(real: Any, fake: Any) -> Any:
    """How much less real the restored images look than the real ones do on average.

    Half the binary cross entropy of `fake - mean(real)` against "real", plus half that of
    `real - mean(fake)` against "fake". Relativistic average GAN (Jolicoeur-Martineau, 2018) as
    ESRGAN's authors' code has it: without a gradient for `real`.

    Args:
        real: logits of real images.
        fake: logits of restored images, the same shape.
    """
    real = ops.stop_gradient(_logits(real))
    fake = _logits(fake)
    return 0.5 * (_against_real(fake - ops.mean(real)) + _against_fake(real - ops.mean(fake)))


def relativistic_discriminator_loss(real: Any, fake: Any, detach: bool = True) -> Any:
    """How badly real images are told from the average restored one, and the other way round.

    The counterpart of `relativistic_generator_loss`; ln 2 for a discriminator that tells nothing.

    Args:
        real: logits of real images.
        fake: logits of restored images, the same shape.
        detach: whether the two averages count as constants, as in BasicSR since version 1. False
            lets gradients through them, as BasicSR of 2018 and 2019: the same value.
    """
    real, fake = _logits(real), _logits(fake)
    mean_real, mean_fake = ops.mean(real), ops.mean(fake)
    if detach:
        mean_real, mean_fake = ops.stop_gradient(mean_real), ops.stop_gradient(mean_fake)
    return 0.5 * (_against_real(real - mean_fake) + _against_fake(fake - mean_real))


def vanilla_generator_loss(real: Any, fake: Any) -> Any:
    """The binary cross entropy of `fake` against "real" (Goodfellow et al., NeurIPS 2014).

    Args:
        real: not used; the signature is that of `relativistic_generator_loss`.
        fake: logits of restored images.
    """
    return _against_real(_logits(fake))


def vanilla_discriminator_loss(real: Any, fake: Any) -> Any:
    """The sum of the binary cross entropies of both; 2 ln 2 for a discriminator that tells nothing.

    Args:
        real: logits of real images.
        fake: logits of restored images.
    """
    return _against_real(_logits(real)) + _against_fake(_logits(fake))


def hinge_generator_loss(real: Any, fake: Any) -> Any:
    """Minus the mean of `fake` (Lim and Ye, "Geometric GAN", 2017).

    Args:
        real: not used; the signature is that of `relativistic_generator_loss`.
        fake: logits of restored images.
    """
    return -ops.mean(_logits(fake))


def hinge_discriminator_loss(real: Any, fake: Any) -> Any:
    """What `real` lacks to 1 and `fake` exceeds -1 by, each on average; their sum.

    Args:
        real: logits of real images.
        fake: logits of restored images.
    """
    return ops.mean(ops.relu(1.0 - _logits(real))) + ops.mean(ops.relu(1.0 + _logits(fake)))


@dataclasses.dataclass(frozen=True)
class AdversarialLoss:
    """The two sides of a game: functions of the logits `(real, fake)`."""

    generator: Callable
    discriminator: Callable


ADVERSARIAL_LOSSES = {
    "hinge": AdversarialLoss(hinge_generator_loss, hinge_discriminator_loss),
    "relativistic": AdversarialLoss(relativistic_generator_loss, relativistic_discriminator_loss),
    "vanilla": AdversarialLoss(vanilla_generator_loss, vanilla_discriminator_loss),
}


def _logits(outputs):
    return ops.cast(outputs, "float32")


def _against_real(logits):
    """The mean binary cross entropy of logits that should be high."""
    return ops.mean(ops.softplus(-logits))


def _against_fake(logits):
    """The mean binary cross entropy of logits that should be low."""
    return ops.mean(ops.softplus(logits))
