"""The segmentation presets of keras-hub, such as `segformer_b0_ade20k_512`."""

import cv2
import numpy as np

from mirnet_keras.images import to_uint8
from mirnet_keras.segmentation.classes import ADE20K_CLASSES, ade20k_to_outdoor
from mirnet_keras.segmentation.probabilities import TOLERANCE, PriorError


class HubSegmenter:
    """Maps of the eight outdoor classes by a network of keras-hub trained on ADE20K.

    The image is resized to the network's own size and the maps back, so that nothing is cut off.

    Args:
        preset: str. Name or path of a preset.

    Raises:
        PriorError: when keras-hub is not installed.
    """

    def __init__(self, preset: str):
        try:
            import keras_hub
        except ImportError:
            raise PriorError("Segmentation presets need keras-hub: pip install '.[hub]'.") from None
        self.preset = preset
        self.segmenter = keras_hub.models.ImageSegmenter.from_preset(preset)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """(height, width, 3) RGB in 0..1 to (height, width, 8) float32.

        Raises:
            PriorError: when the network does not know ADE20K's 150 classes.
        """
        height, width = image.shape[:2]
        own_height, own_width = self._own_size(height, width)
        resized = cv2.resize(to_uint8(image), (own_width, own_height), interpolation=cv2.INTER_AREA)
        maps = np.asarray(self.segmenter.predict(resized[None].astype(np.float32), verbose=0))[0]
        if maps.shape[-1] != ADE20K_CLASSES:
            raise PriorError(
                f"The preset '{self.preset}' gives {maps.shape[-1]} classes. Take one that was "
                f"trained on the {ADE20K_CLASSES} of ADE20K."
            )
        outdoor = ade20k_to_outdoor(_as_probabilities(maps))
        return cv2.resize(outdoor, (width, height), interpolation=cv2.INTER_LINEAR)

    def _own_size(self, height: int, width: int) -> tuple[int, int]:
        """The fixed size of the network's input, or the image's where it has none."""
        own_height, own_width = self.segmenter.input_shape[1:3]
        return own_height or height, own_width or width


def _as_probabilities(maps: np.ndarray) -> np.ndarray:
    """Presets of some versions give scores, of others their softmax."""
    if maps.min() >= 0 and np.abs(maps.sum(axis=-1) - 1).max() <= TOLERANCE:
        return maps
    powers = np.exp(maps - maps.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)
