"""The Keras model that all discriminators of this package are."""

import importlib

import keras
import numpy as np


@keras.saving.register_keras_serializable("mirnet_keras")
class Discriminator(keras.Model):
    """A functional Keras model that knows which discriminator it is, and what sizes it takes.

    Its configuration is the discriminator's name and arguments, as a `RestorationModel`'s is the
    network's.

    Args:
        inputs: Keras tensor, `(batch, height, width, 3)` RGB float 0..1.
        outputs: Keras tensor of logits, or a list of them.
        network: str. Key of `mirnet_keras.models.DISCRIMINATORS`.
        arguments: dict. The builder's arguments.
        image_size: int or None. The only height and width that it takes; None for any.
        multiple: int. The height and width are multiples of it.

    Attributes:
        unused_entries: what an authors' checkpoint held that the network never uses, by its name;
            not saved.

    Raises:
        ValueError: when called with images of another size.
    """

    def __init__(
        self,
        inputs,
        outputs,
        *,
        network: str,
        arguments: dict,
        image_size: int | None = None,
        multiple: int = 1,
        **kwargs,
    ):
        super().__init__(inputs, outputs, **kwargs)
        self.input_spec = None  # `call` checks it: on JAX, `fit` and `predict` come there directly
        self.network = network
        self.arguments = arguments
        self.image_size = image_size
        self.multiple = multiple
        self.unused_entries: dict[str, np.ndarray] = {}

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

    def get_config(self):
        return {"network": self.network, "arguments": dict(self.arguments), "name": self.name}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        discriminators = importlib.import_module("mirnet_keras.models").DISCRIMINATORS
        return discriminators[config["network"]](**config["arguments"], name=config["name"])
