"""Batches of images with their segmentation, from scenes and general images."""

import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import cv2
import keras
import numpy as np

from mirnet_keras.data.cache import ImageCache
from mirnet_keras.data.endless import endless
from mirnet_keras.data.folders import DEFAULT_CACHE, DataError, checked_pictures
from mirnet_keras.data.plan import Stage
from mirnet_keras.images import crop_to_multiple, read_image, to_float, to_uint8
from mirnet_keras.imresize import imresize

REDUCTIONS = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)  # SFTGAN, authors' code


class SegmentedBatches:
    """The batch of each step: reduced crops and their segmentation, and the sharp crops.

    Image and maps are first reduced together by a random factor out of 1, 0.9, ..., 0.5 (the image
    bilinear, the maps nearest), then the image is reduced by the exact bicubic, and all three are
    cropped and flipped in step. SFTGAN (Wang et al., CVPR 2018), authors' code. A pure function of
    seed and step.

    Args:
        sources: lists of folders, such as scenes and general images.
        priors: for each source a function of the reduced image and its file name that gives the
            probabilities, `scale` times larger, such as a `segmentation.Prior`.
        stages: crops (sharp, multiples of `scale`) and batches.
        scale: linear reduction.
        mix: how often each source is drawn, in proportion.
        exclude: names of files to leave out, with their folder: `"t91/t20.webp"`.
        seed: another seed, other crops.
        cache_bytes: budget for decoded pictures and maps, each in up to seven sizes.

    Raises:
        DataError: naming every file that cannot be read or is smaller than a crop, and for
            numbers that do not go together.
        ImageError: for a folder without pictures.
    """

    def __init__(
        self,
        sources: Sequence[Sequence],
        priors: Sequence[Callable],
        stages: list[Stage],
        scale: int = 4,
        mix: Sequence[float] = (10, 1),
        exclude: Sequence[str] = (),
        seed: int = 0,
        cache_bytes: int = DEFAULT_CACHE,
    ):
        if not len(sources) == len(priors) == len(mix):
            raise DataError(
                "Each source needs its prior and its share in `mix`. Received "
                f"{len(sources)} sources, {len(priors)} priors, mix={tuple(mix)}."
            )
        largest = max(stage.crop for stage in stages)
        if any(stage.crop % scale or stage.shrink != 1 for stage in stages):
            raise DataError(f"Crops must be multiples of {scale}, without `shrink`. {stages}")
        self.paths = [checked_pictures(folders, largest, exclude) for folders in sources]
        self.priors = list(priors)
        self.stages = stages
        self.scale = scale
        self.shares = np.asarray(mix, float) / np.sum(mix)
        self.seed = seed
        self._cache = ImageCache(cache_bytes)

    @property
    def files(self) -> list[pathlib.Path]:
        """The pictures of all sources."""
        return [path for paths in self.paths for path in paths]

    def batch(self, step: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Inputs, probabilities and targets of a step, float32."""
        stage = self._stage(int(step))
        random = np.random.default_rng([self.seed, 3, int(step)])
        pieces = [self._piece(stage.crop, random) for _ in range(stage.batch)]
        low, maps, high = (np.stack(arrays) for arrays in zip(*pieces, strict=True))
        return low, maps, high

    def dataset(self, start: int = 0, segmented: bool = True) -> Any:
        """Endless batches `((inputs, probabilities), targets)` from step `start` on.

        Args:
            start: the first step.
            segmented: False for `(inputs, targets)`.
        """

        def chosen(low, maps, high):
            return ((low, maps), high) if segmented else (low, high)

        specs = chosen(*self._specs())
        return endless(lambda step: chosen(*self.batch(step)), start, specs)

    def _specs(self):
        sizes = {(stage.batch, stage.crop) for stage in self.stages}
        batch, crop = sizes.pop() if len(sizes) == 1 else (None, None)
        classes = self._image(0, 0)[1].shape[-1]
        kinds = ((crop and crop // self.scale, 3), (crop, classes), (crop, 3))
        return [keras.KerasTensor((batch, side, side, count)) for side, count in kinds]

    def source(self, random: np.random.Generator) -> int:
        """The number of the source of the next piece."""
        return int(random.choice(len(self.shares), p=self.shares))

    def _stage(self, step: int) -> Stage:
        for stage in self.stages[:-1]:
            if step < stage.steps:
                return stage
            step -= stage.steps
        return self.stages[-1]

    def _image(self, source: int, index: int) -> tuple[np.ndarray, np.ndarray]:
        """A whole picture and its probabilities in 255ths."""
        path = self.paths[source][index]

        def make():
            image = crop_to_multiple(read_image(path), self.scale)
            reduced = imresize(image, 1 / self.scale)
            return image, to_uint8(self.priors[source](reduced, path.name))

        return self._cache.get((source, index), make)

    def _reduced(self, source: int, index: int, factor: float, crop: int):
        """Input, probabilities in 255ths and target of a whole picture, times the factor."""

        def make():
            image, maps = self._image(source, index)
            size = [self._side(side, factor, crop) for side in image.shape[1::-1]]
            image = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
            maps = cv2.resize(maps, size, interpolation=cv2.INTER_NEAREST)
            return imresize(image, 1 / self.scale), maps, image

        return self._cache.get((source, index, factor, crop), make)

    def _side(self, side: int, factor: float, crop: int) -> int:
        """A side times the factor, a multiple of the scale and at least the crop."""
        return max(int(side * factor) // self.scale * self.scale, crop)

    def _piece(self, crop: int, random: np.random.Generator):
        """Input, probabilities and target of one crop."""
        source = self.source(random)
        index = int(random.integers(len(self.paths[source])))
        low, maps, image = self._reduced(source, index, random.choice(REDUCTIONS), crop)
        small = crop // self.scale
        top, left = (int(random.integers(side - small + 1)) for side in low.shape[:2])
        flips = random.random(2) < 0.5
        cuts = [_cut(low, top, left, small, flips)]
        for array in (maps, image):
            cuts.append(_cut(array, top * self.scale, left * self.scale, crop, flips))
        low, maps, image = (to_float(array) for array in cuts)
        return low, maps / maps.sum(axis=-1, keepdims=True), image


def _cut(image: np.ndarray, top: int, left: int, side: int, flips) -> np.ndarray:
    piece = image[top : top + side, left : left + side]
    vertical, horizontal = (-1 if flip else 1 for flip in flips)
    return piece[::vertical, ::horizontal]
