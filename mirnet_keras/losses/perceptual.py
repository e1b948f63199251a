"""The error that a trained network sees instead of single pixels."""

from collections.abc import Callable

import keras
from keras import ops


@keras.saving.register_keras_serializable("mirnet_keras")
class PerceptualLoss(keras.losses.Loss):
    """The mean absolute error of feature maps, weighted and summed over the layers; float32.

    ESRGAN (Wang et al., ECCV Workshops 2018), section 3.3 "Perceptual Loss": features before the
    activation.

    A model that was compiled with it loads from a `.keras` file with `compile=False` only: the
    feature network is not stored there.

    Args:
        features: a feature network of `mirnet_keras.features`, or any callable from images
            `(batch, height, width, 3)`, float 0..1, to a dict of maps `(batch, h, w, channels)`.
        weights: dict of the layers that count and their weights, such as `{"block5_conv3": 1.0}`;
            None counts every layer once.
        reduction: as for any Keras loss, over the images of the batch.
        name: of the loss.

    Raises:
        ValueError: when called, where `weights` names a layer that `features` does not give.
    """

    def __init__(
        self,
        features: Callable,
        weights: dict[str, float] | None = None,
        reduction: str = "sum_over_batch_size",
        name: str = "perceptual",
    ):
        super().__init__(name=name, reduction=reduction, dtype="float32")
        # Not the network itself: Keras would write its weights into every file of the model.
        self.features = lambda images: features(images)
        self.weights = weights

    def call(self, y_true, y_pred):
        true, restored = self.features(y_true), self.features(y_pred)
        weights = self.weights or dict.fromkeys(true, 1.0)
        absent = sorted(set(weights) - set(true))
        if absent:
            raise ValueError(
                f"`weights` names layers that the feature network does not give: {absent}. It "
                f"gives {sorted(true)}: build it with these layers, or change the weights."
            )
        return sum(
            weight * _mean_absolute_error(true[layer], restored[layer])
            for layer, weight in weights.items()
        )

    def get_config(self) -> dict:
        return {"weights": self.weights, "reduction": self.reduction, "name": self.name}

    @classmethod
    def from_config(cls, config):
        raise ValueError(
            "A PerceptualLoss is not restored from its configuration, which holds no feature "
            "network. Load the model with `compile=False`, and compile it with a new "
            "PerceptualLoss."
        )


def _mean_absolute_error(true, restored):
    """One number for each image."""
    error = ops.cast(true, "float32") - ops.cast(restored, "float32")
    return ops.mean(ops.abs(error), axis=(1, 2, 3))
