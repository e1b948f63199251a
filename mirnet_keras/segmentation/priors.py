"""Class probabilities of an image, from wherever they come."""

import abc
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from PIL import Image

from mirnet_keras.images import pad_to_multiple, to_float
from mirnet_keras.imresize import imresize
from mirnet_keras.segmentation.classes import (
    ADE20K_CLASSES,
    CLASSES,
    ade20k_to_outdoor,
    colours_to_labels,
    labels_to_probabilities,
)
from mirnet_keras.segmentation.hub import HubSegmenter
from mirnet_keras.segmentation.probabilities import PriorError, check_probabilities

HUB = "hub:"  # before the name of a keras-hub preset


class Prior(abc.ABC):
    """Gives the probabilities of the eight outdoor classes at each pixel: `prior(image)`.

    Args:
        scale: int. The maps are `scale` times larger than the image, as super-resolution by
            `scale` needs them.

    Call arguments:
        image: (height, width, 3) RGB; uint8, uint16, or float in 0..1.
        name: str. The image's file name, where maps are found by it.

    Call returns:
        (scale * height, scale * width, 8) float32, in the order of `CLASSES`.

    Call raises:
        PriorError: when there is no map for the image, or it is no map of probabilities.
    """

    def __init__(self, scale: int = 1):
        self.scale = scale

    def __call__(self, image: np.ndarray, name: str | None = None) -> np.ndarray:
        maps = np.asarray(self.maps(image, name), np.float32)
        height, width = (self.scale * side for side in image.shape[:2])
        check_probabilities(maps, (height, width), len(CLASSES))
        return maps

    @abc.abstractmethod
    def maps(self, image: np.ndarray, name: str | None) -> np.ndarray:
        """The maps, not checked yet."""


class BackgroundPrior(Prior):
    """Background everywhere: what SFTGAN takes for general images."""

    def maps(self, image: np.ndarray, name: str | None) -> np.ndarray:
        height, width = (self.scale * side for side in image.shape[:2])
        return labels_to_probabilities(np.zeros((height, width), int))


class ArrayPrior(Prior):
    """The same maps for each image.

    Args:
        array: (height, width, 8) probabilities, or (height, width) integer labels.
        scale: As of `Prior`.
    """

    def __init__(self, array: np.ndarray, scale: int = 1):
        super().__init__(scale)
        self.array = labels_to_probabilities(array) if array.ndim == 2 else array

    def maps(self, image: np.ndarray, name: str | None) -> np.ndarray:
        return self.array


class FolderPrior(Prior):
    """Maps in a folder, found by the image's file name without its suffix.

    `NAME.npy` holds probabilities (height, width, 8) or labels (height, width). `NAME.png` holds
    labels, as grey levels or palette indices, or in the colours of `COLOURS`.

    Args:
        folder: path of the folder.
        scale: As of `Prior`.

    Raises:
        PriorError: when there is no such folder.
    """

    def __init__(self, folder: str | os.PathLike, scale: int = 1):
        super().__init__(scale)
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise PriorError(f"There is no folder of class maps '{folder}'. Check the path.")

    def maps(self, image: np.ndarray, name: str | None) -> np.ndarray:
        if name is None:
            raise PriorError("Maps in a folder are found by the image's name: give `name`.")
        path = self.folder / f"{Path(name).stem}.npy"
        if path.is_file():
            array = np.load(path, allow_pickle=False)
            return labels_to_probabilities(array) if array.ndim == 2 else array
        path = path.with_suffix(".png")
        if path.is_file():
            return labels_to_probabilities(_read_labels(path))
        raise PriorError(
            f"The image '{name}' has no class map: '{self.folder}' holds neither {path.stem}.npy "
            f"nor {path.name}."
        )


def _read_labels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        if picture.mode in ("L", "P"):
            return np.array(picture)
        return colours_to_labels(np.array(picture.convert("RGB")))


class ModelPrior(Prior):
    """Maps from a segmentation network, which sees the bicubic enlargement of the image.

    Args:
        model: a Keras model from `(1, height, width, 3)` RGB in 0..1 to `(1, height, width, 8)`,
            whose attribute `multiple`, if it has one, divides the sizes that it takes; or a
            function from an image (height, width, 3) to maps (height, width, 8). With 150 maps
            they are ADE20K's.
        scale: As of `Prior`.
    """

    def __init__(self, model: Callable, scale: int = 1):
        super().__init__(scale)
        self.model = model
        self._lock = threading.Lock()  # Keras' predict is for one thread at a time

    def maps(self, image: np.ndarray, name: str | None) -> np.ndarray:
        enlarged = to_float(image)
        if self.scale > 1:
            enlarged = np.clip(imresize(enlarged, self.scale), 0, 1)
        if isinstance(self.model, keras.Model):
            with self._lock:
                maps = _predict(self.model, enlarged)
        else:
            maps = np.asarray(self.model(enlarged))
        return ade20k_to_outdoor(maps) if maps.shape[-1] == ADE20K_CLASSES else maps


def _predict(model: keras.Model, image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    padded = pad_to_multiple(image, getattr(model, "multiple", 1))
    return model.predict_on_batch(padded[None])[0, :height, :width]


def prior(source: Any, scale: int = 1) -> Prior:
    """The class probabilities of images, `prior(source)(image)`, from one of several sources.

    Args:
        source: None for background everywhere; an array of maps; the path of a folder of maps;
            "hub:NAME" for the keras-hub segmentation preset NAME trained on ADE20K; or a Keras
            model or function.
        scale: The maps are `scale` times larger than the image.

    Returns:
        A `Prior`.

    Raises:
        PriorError: for another source, a missing folder, or when keras-hub is not installed.
    """
    if source is None:
        return BackgroundPrior(scale)
    if isinstance(source, np.ndarray):
        return ArrayPrior(source, scale)
    if isinstance(source, str) and source.startswith(HUB):
        return ModelPrior(HubSegmenter(source.removeprefix(HUB)), scale)
    if isinstance(source, (str, os.PathLike)):
        return FolderPrior(source, scale)
    if callable(source):
        return ModelPrior(source, scale)
    raise PriorError(
        "Class maps come from None (background), an array, a folder, 'hub:PRESET', a Keras model "
        f"or a function. Received {type(source).__name__}."
    )
