"""What a `Restorer` runs: preset, file or model, behind one small interface.

Keras is imported only where a source needs it, so that LiteRT files run without it.
"""

import functools
import math
import os
import pathlib
from typing import TYPE_CHECKING, Protocol

import numpy as np

from mirnet_keras.global_networks import GLOBAL_NETWORKS, MEANS_ALONE
from mirnet_keras.restorer.errors import RestorerError
from mirnet_keras.restorer.litert import LiteRTModel, guessed_pixel_bytes
from mirnet_keras.restorer.plan import WHOLE_MEMORY, WORKING_MEMORY
from mirnet_keras.restorer.tiling import Predict, Progress

if TYPE_CHECKING:
    from mirnet_keras.models import RestorationModel
    from mirnet_keras.presets import PresetTiling

LEAST_OVERLAP = 32
# Tiles of networks that look at the whole picture: their local part looks far, but weakly.
GLOBAL_OVERLAP = 64
# Sides are multiples of it where each size is compiled, so that there are few.
COMPILED_GRID = 64


class Source(Protocol):
    """A model as the `Restorer` sees it.

    Attributes:
        scale: Linear enlargement.
        multiple: The sides of the input are multiples of it.
        smallest: The least side of the input.
        fixed_size: (height, width) where it takes images of one size only, else None.
        fixed_batch: Images in each call where it takes one number only, else None.
        reach: How far an output looks, in pixels of the input; None where that is not known.
        overlap: What neighbouring tiles should share.
        pixel_bytes: Working memory for each pixel of the input.
        largest_tile: The side of the largest tile that pays; None for any.
        whole_memory: Bytes that a picture may take beside the result to be done whole, where no
            budget is given: more where that is better than tiles, or faster.
    """

    scale: int
    multiple: int
    smallest: int
    fixed_size: tuple[int, int] | None
    fixed_batch: int | None
    reach: int | None
    overlap: int
    pixel_bytes: float
    largest_tile: int | None
    whole_memory: float

    def predictor(self, picture: np.ndarray, at_once: int, report: Progress) -> Predict:
        """As `predict_on_batch`, for tiles of a picture.

        It may look at `at_once` pixels first, and reports the share of that which is done, in 0..1.
        """

    def in_float32(self) -> "Source | None":
        """The same in full precision; None where it is that already, or has no other."""

    def predict_on_batch(self, images: np.ndarray) -> np.ndarray:
        """Float32 (batch, height, width, 3) in 0..1 to the same, `scale` times larger."""


def _check_settings() -> None:
    from mirnet_keras.models import check_settings

    check_settings()


def open_source(source, prior, threads: int | None) -> Source:
    """Opens what `Restorer` takes; see there for the arguments and what raises."""
    if isinstance(source, (str, os.PathLike)) and pathlib.Path(source).suffix == ".tflite":
        if prior is not None:
            raise RestorerError("A LiteRT file takes no `prior`. Leave it out.")
        return LiteRTModel(source, threads)
    if threads is not None:
        raise RestorerError(
            f"`threads` is for LiteRT files. Received threads={threads} with {source!r}, which "
            "Keras runs: set the threads of its backend before the program starts."
        )
    model = _checked(_loaded(source), prior)
    known = None if model is source else _known(source)
    return KerasSource(_folded(model), prior, known)


class KerasSource:
    """A network; it takes images of any size.

    Args:
        network: what runs.
        prior: As in `Restorer`.
        known: what was measured of it.
    """

    fixed_size: tuple[int, int] | None = None
    fixed_batch: int | None = None

    def __init__(self, network: "RestorationModel", prior, known: "PresetTiling | None" = None):
        self._network = network
        self._prior = prior
        self._known = known
        self._twin: KerasSource | None = None
        self.scale: int = network.scale
        self.multiple: int = network.multiple
        self.smallest: int = network.smallest
        if _compiles_each_size(network):
            self.multiple = math.lcm(self.multiple, COMPILED_GRID)
            self.smallest = max(self.smallest, self.multiple)
        self.reach = _reach(network)
        self.overlap = GLOBAL_OVERLAP if self.reach is None else max(LEAST_OVERLAP, 2 * self.reach)
        if known and known.overlap:
            self.overlap = known.overlap
        self.pixel_bytes = known.keras_bytes if known else guessed_pixel_bytes(self.scale)
        self.largest_tile = known.largest_tile if known else None
        is_global = network.network in GLOBAL_NETWORKS
        self.whole_memory: float = WHOLE_MEMORY if is_global else WORKING_MEMORY

    @functools.cached_property
    def _statistics(self):
        from mirnet_keras.restorer.statistics import PictureStatistics

        is_global = self._network.network in GLOBAL_NETWORKS
        if not is_global:
            return None
        sampled = self._network.network in MEANS_ALONE or bool(self._known and self._known.sampled)
        return PictureStatistics(self._network, self.overlap, self.largest_tile, sampled)

    def predictor(self, picture: np.ndarray, at_once: int, report: Progress) -> Predict:
        """Restores tiles with the statistics of the whole picture."""
        _check_settings()
        if self._statistics is None:
            return self.predict_on_batch
        return self._statistics.predictor(picture, at_once, report)

    def in_float32(self) -> "KerasSource | None":
        """The network rebuilt, where it computes in another precision."""
        from mirnet_keras.presets import in_float32

        if all(layer.compute_dtype == "float32" for layer in self._network.layers):
            return None
        if self._twin is None:
            self._twin = KerasSource(in_float32(self._network), self._prior, self._known)
        return self._twin

    def predict_on_batch(self, images: np.ndarray) -> np.ndarray:
        """The restored images; with the prior's segmentation where the network takes one."""
        _check_settings()
        maps = None if self._prior is None else np.stack([self._prior(image) for image in images])
        return self._network.predict_on_batch(self._network.with_segmentation(images, maps))


def _compiles_each_size(network: "RestorationModel") -> bool:
    """Whether each size of the input costs a compilation: under XLA, not in TensorFlow's graphs."""
    import keras

    return keras.backend.backend() != "tensorflow" or bool(network.jit_compile)


def _reach(network: "RestorationModel") -> int | None:
    """How far an output looks, in pixels of the input, but for statistics of the whole picture.

    None where that is not known, or further than tiles that share `GLOBAL_OVERLAP` allow for.
    """
    arguments = network.arguments
    if network.network in ("awsrn", "awsrn_folded"):
        last = arguments.get("kernel_size") or max(arguments["kernel_sizes"])
        # The first convolution; in each block two for each unit, and one behind them; the last one.
        return 1 + arguments["blocks"] * (2 * arguments["units"] + 1) + last // 2
    if network.network in ("rcan", "han"):
        # In each group two for each block, and one behind them; three around them all, two that
        # fuse HAN's attention, and at most two steps of the enlargement.
        reach = arguments["groups"] * (2 * arguments["blocks"] + 1) + 7
        return reach if 2 * reach <= GLOBAL_OVERLAP else None
    return None


def _known(source) -> "PresetTiling | None":
    """What was measured of a preset."""
    from mirnet_keras.presets import find, read_preset

    if pathlib.Path(source).suffix == ".keras":
        return None
    return read_preset(find(source)).tiling


def _loaded(source) -> "RestorationModel":
    from mirnet_keras.models import RestorationModel
    from mirnet_keras.presets import load

    model = load(source) if isinstance(source, (str, os.PathLike)) else source
    if not isinstance(model, RestorationModel):
        raise RestorerError(
            "`source` must be a preset name, a folder, a `.keras` or `.tflite` file, or a "
            f"RestorationModel. Received {type(source).__name__}."
        )
    return model


def _checked(model: "RestorationModel", prior) -> "RestorationModel":
    channels = model.inputs[0].shape[-1]
    if channels != 3:
        raise RestorerError(
            f"Pictures have 3 channels, but '{model.name}' takes {channels}. Call the model's "
            "`restore` with arrays of that many channels."
        )
    if prior is not None and model.classes is None:
        raise RestorerError(f"'{model.name}' takes no segmentation. Leave `prior` out.")
    return model


def _folded(model: "RestorationModel") -> "RestorationModel":
    """The cheaper equal of a model; rarely there is none, then the model itself."""
    from mirnet_keras.models.folding import fold

    try:
        return fold(model)
    except ValueError:  # a scale so near zero that folding would lose digits
        return model
