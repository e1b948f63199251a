"""The Keras model that all networks of this package are."""

import importlib

import keras
import numpy as np

# Registers the losses and metrics that compiled models name.
import mirnet_keras.losses
import mirnet_keras.metrics  # noqa: F401
from mirnet_keras.images import pad_to_multiple


@keras.saving.register_keras_serializable("mirnet_keras")
class RestorationModel(keras.Model):
    """A functional Keras model that knows which network it is.

    Its configuration is the network's name and arguments: loading calls the builder again, so a
    `.keras` file needs nothing beside it, and the precision is that of the policy at loading.

    Args:
        inputs, outputs: Keras tensors, `(batch, height, width, channels)` float 0..1.
        network: str. Key of `mirnet_keras.models.MODELS` or `SEGMENTATION_MODELS`.
        arguments: dict. The builder's arguments.
        scale: int. Linear enlargement of the output against the input.
        multiple: int. The height and width of the input are multiples of it.
        smallest: int. The least height and width of the input, a multiple of `multiple`.

    Attributes:
        unused_entries: what an authors' checkpoint held that the network never uses, by its name;
            not saved.
    """

    def __init__(
        self,
        inputs,
        outputs,
        *,
        network: str,
        arguments: dict,
        scale: int = 1,
        multiple: int = 1,
        smallest: int = 1,
        **kwargs,
    ):
        super().__init__(inputs, outputs, **kwargs)
        self.network = network
        self.arguments = arguments
        self.scale = scale
        self.multiple = multiple
        self.smallest = smallest
        self.unused_entries: dict[str, np.ndarray] = {}

    def get_config(self):
        return {"network": self.network, "arguments": dict(self.arguments), "name": self.name}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        package = importlib.import_module("mirnet_keras.models")
        builders = package.MODELS | package.SEGMENTATION_MODELS
        return builders[config["network"]](**config["arguments"], name=config["name"])

    @property
    def classes(self) -> int | None:
        """Classes of the segmentation that the network takes beside the image; None: it does not.

        The first is the background.
        """
        return self.inputs[1].shape[-1] if len(self.inputs) > 1 else None

    def restore(self, images: np.ndarray, probabilities: np.ndarray | None = None) -> np.ndarray:
        """Restores whole images of any size, clipped to 0..1.

        Args:
            images: (height, width, channels) or (batch, height, width, channels), float 0..1.
            probabilities: Where the network takes a segmentation: that of the images, `scale`
                times larger. None: all background.

        Returns:
            The restored images, `scale` times larger, float32.
        """
        batch = images[None] if images.ndim == 3 else images
        maps = probabilities
        if maps is not None and maps.ndim == 3:
            maps = maps[None]
        height, width = (self.scale * size for size in batch.shape[1:3])
        padded = pad_to_multiple(batch, self.multiple, self.smallest)
        restored = self.predict_on_batch(self.with_segmentation(padded, maps))
        restored = np.clip(restored[:, :height, :width], 0, 1)
        return restored[0] if images.ndim == 3 else restored

    def with_segmentation(self, images: np.ndarray, probabilities: np.ndarray | None = None):
        """What the network takes for a batch: the images, and their segmentation if it wants one.

        Args:
            images: of a size that the network takes.
            probabilities: their segmentation, padded here to their size; None: all background.
        """
        if self.classes is None:
            return images
        if probabilities is None:
            batch, *sides, _ = images.shape
            probabilities = np.zeros((batch, *(self.scale * s for s in sides), self.classes), "f4")
            probabilities[..., 0] = 1
        factors = (self.scale * self.multiple, self.scale * self.smallest)
        return [images, pad_to_multiple(probabilities, *factors)]
