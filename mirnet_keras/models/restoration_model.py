"""The Keras model that all networks of this package are."""

import importlib
from collections.abc import Callable, Mapping

import keras
import numpy as np

# Registers the losses and metrics that compiled models name.
import mirnet_keras.losses
import mirnet_keras.metrics  # noqa: F401
from mirnet_keras.image_array import image_array
from mirnet_keras.images import pad_to_multiple, to_float
from mirnet_keras.models.image_input import check_settings
from mirnet_keras.models.network_model import NetworkModel


@keras.saving.register_keras_serializable("mirnet_keras")
class RestorationModel(NetworkModel):
    """A functional Keras model that knows which network it is, and how to restore images.

    Args:
        inputs, outputs: Keras tensors, `(batch, height, width, channels)` float 0..1.
        name: str. Name of the model.
        network: str. Key of `mirnet_keras.models.MODELS` or `SEGMENTATION_MODELS`.
        arguments: dict. The builder's arguments.
        scale: int. Linear enlargement of the output against the input.
        multiple: int. The height and width of the input are multiples of it.
        smallest: int. The least height and width of the input, a multiple of `multiple`.
    """

    def __init__(self, inputs, outputs, name=None, **facts):
        super().__init__(inputs, outputs, name=name, **facts)
        self.scale: int = self.facts.get("scale", 1)
        self.multiple: int = self.facts.get("multiple", 1)
        self.smallest: int = self.facts.get("smallest", 1)

    @classmethod
    def builders(cls) -> Mapping[str, Callable[..., keras.Model]]:
        """Return the functions that build these networks, by name."""
        package = importlib.import_module("mirnet_keras.models")
        return package.MODELS | package.SEGMENTATION_MODELS

    @property
    def classes(self) -> int | None:
        """Classes of the segmentation that the network takes beside the image; None: it does not.

        The first is the background.
        """
        return self.inputs[1].shape[-1] if len(self.inputs) > 1 else None

    def restore(self, images: np.ndarray, probabilities: np.ndarray | None = None) -> np.ndarray:
        """Restore whole images of any size, clipped to 0..1.

        Args:
            images: (height, width, channels) or (batch, height, width, channels); uint8, uint16,
                or float in 0..1.
            probabilities: Where the network takes a segmentation: that of the images, `scale`
                times larger. None: all background.

        Returns:
            The restored images, `scale` times larger, float32.

        Raises:
            ImageError: for what is no image or batch of images.
            SettingError: where Keras puts channels first.
        """
        check_settings()
        images = to_float(image_array(images, batches=True, channels=self.inputs[0].shape[-1]))
        batch = images[None] if images.ndim == 3 else images
        maps = probabilities
        if maps is not None and maps.ndim == 3:
            maps = maps[None]
        height, width = (self.scale * size for size in batch.shape[1:3])
        padded = pad_to_multiple(batch, self.multiple, self.smallest)
        restored = self.predict_on_batch(self.with_segmentation(padded, maps))
        restored = np.clip(restored[:, :height, :width], 0, 1)
        return restored[0] if images.ndim == 3 else restored

    def with_segmentation(
        self, images: np.ndarray, probabilities: np.ndarray | None = None
    ) -> np.ndarray | list[np.ndarray]:
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
