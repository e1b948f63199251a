"""A weighted sum of losses."""

from collections.abc import Sequence

import keras


@keras.saving.register_keras_serializable("mirnet_keras")
class WeightedLosses(keras.losses.Loss):
    """The weighted sum of several losses, as one loss for `compile`.

    Args:
        losses: Keras losses, each of which reduces to one number.
        weights: Their factors.
        name: Name of the loss.

    Raises:
        ValueError: for another number of weights than of losses.
    """

    def __init__(
        self,
        losses: Sequence[keras.losses.Loss],
        weights: Sequence[float],
        name: str = "weighted_losses",
    ):
        super().__init__(name=name, reduction="sum_over_batch_size", dtype="float32")
        if len(losses) != len(weights):
            raise ValueError(
                f"Each loss needs one weight. Received {len(losses)} losses, {len(weights)} "
                "weights."
            )
        self.losses = list(losses)
        self.weights = list(weights)

    def call(self, y_true, y_pred):
        pairs = zip(self.losses, self.weights, strict=True)
        return sum(weight * loss(y_true, y_pred) for loss, weight in pairs)

    def get_config(self) -> dict:
        losses = [keras.saving.serialize_keras_object(loss) for loss in self.losses]
        return {"losses": losses, "weights": self.weights, "name": self.name}

    @classmethod
    def from_config(cls, config):
        losses = [keras.saving.deserialize_keras_object(loss) for loss in config["losses"]]
        return cls(**(config | {"losses": losses}))
