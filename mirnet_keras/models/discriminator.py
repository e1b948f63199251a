"""The Keras model that all discriminators of this package are."""

import importlib
from collections.abc import Callable, Mapping

import keras

from mirnet_keras.models.network_model import NetworkModel


@keras.saving.register_keras_serializable("mirnet_keras")
class Discriminator(NetworkModel):
    """A functional Keras model that knows which discriminator it is, and what sizes it takes.

    Args:
        inputs: Keras tensor, `(batch, height, width, 3)` RGB float 0..1.
        outputs: Keras tensor of logits, or a list of them.
        name: str. Name of the model.
        network: str. Key of `mirnet_keras.models.DISCRIMINATORS`.
        arguments: dict. The builder's arguments.
        image_size: int or None. The only height and width that it takes; None for any.
        multiple: int. The height and width are multiples of it.

    Raises:
        ValueError: when called with images of another size.
    """

    def __init__(self, inputs, outputs, name=None, **facts):
        super().__init__(inputs, outputs, name=name, **facts)
        self.input_spec = None  # `call` checks it: on JAX, `fit` and `predict` come there directly
        self.image_size: int | None = self.facts.get("image_size")
        self.multiple: int = self.facts.get("multiple", 1)

    @classmethod
    def builders(cls) -> Mapping[str, Callable[..., keras.Model]]:
        """Return the functions that build discriminators, by name."""
        return importlib.import_module("mirnet_keras.models").DISCRIMINATORS

    def call(self, inputs, training=None, mask=None):
        self._check_size(keras.tree.flatten(inputs)[0].shape)
        return super().call(inputs, training=training, mask=mask)

    def _check_size(self, shape):
        for size in shape[1:3]:
            if not isinstance(size, int):  # unknown, or a symbol
                continue
            if self.image_size not in (None, size) or size % self.multiple:
                wanted = f"a multiple of {self.multiple}" if self.multiple > 1 else self.image_size
                raise ValueError(
                    f"Height and width of images for this discriminator, {self.network}, must be "
                    f"{wanted}. Received images of shape {tuple(shape)}. Crop them, or build a "
                    "discriminator for their size."
                )
