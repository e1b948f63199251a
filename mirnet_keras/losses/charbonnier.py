"""A mean absolute error that is smooth at zero."""

from typing import Any

import keras
from keras import ops


def charbonnier(y_true: Any, y_pred: Any, epsilon: float = 1e-3) -> Any:
    """Returns sqrt(difference^2 + epsilon^2), averaged over the channels, in float32.

    A mean absolute error that is smooth at zero. Zamir et al., "Learning Enriched Features for
    Real Image Restoration and Enhancement" (MIRNet, ECCV 2020), "Training"; epsilon as there, for
    images in 0..1.

    Args:
        y_true: (..., channels), any float type.
        y_pred: the same shape.
        epsilon: the value for equal images; below it the error counts quadratically.

    Returns:
        float32 tensor (...), like `keras.losses.mean_absolute_error`.
    """
    difference = ops.cast(y_true, "float32") - ops.cast(y_pred, "float32")
    return ops.mean(ops.sqrt(ops.square(difference) + epsilon**2), axis=-1)


@keras.saving.register_keras_serializable("mirnet_keras")
class Charbonnier(keras.losses.Loss):
    """The mean of `charbonnier` over all pixels; float32 also under mixed precision.

    Args:
        epsilon: float above 0, as in `charbonnier`.
        clip: whether predictions are first clipped to 0..1, as MIRNet's authors do; pixels
            outside then give no gradient.
        reduction: as for any Keras loss.
        name: of the loss.

    Raises:
        ValueError: when `epsilon` is not above 0: the gradient at equal images would be NaN.
    """

    def __init__(
        self,
        epsilon: float = 1e-3,
        clip: bool = False,
        reduction: str = "sum_over_batch_size",
        name: str = "charbonnier",
    ):
        super().__init__(name=name, reduction=reduction, dtype="float32")
        if not epsilon > 0:
            raise ValueError(f"`epsilon` must be above 0. Received epsilon={epsilon}. Try 1e-3.")
        self.epsilon = epsilon
        self.clip = clip

    def call(self, y_true, y_pred):
        if self.clip:
            y_pred = ops.clip(y_pred, 0.0, 1.0)
        return charbonnier(y_true, y_pred, self.epsilon)

    def get_config(self) -> dict:
        return {
            "epsilon": self.epsilon,
            "clip": self.clip,
            "reduction": self.reduction,
            "name": self.name,
        }
