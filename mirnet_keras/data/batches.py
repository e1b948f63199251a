"""Batches of crops from checked images and a sampling plan, for tf.data and for PyDataset."""

import dataclasses
from typing import Any

import cv2
import keras
import numpy as np

from mirnet_keras.data.endless import endless, tf_dataset
from mirnet_keras.data.folders import Images
from mirnet_keras.data.plan import Sample, SamplingPlan, Stage
from mirnet_keras.images import to_float
from mirnet_keras.symmetry import symmetry

# Beta(1.2, 1.2) of the MIRNet authors' MixUp.
MIXUP_CONCENTRATION = 1.2


@dataclasses.dataclass
class Batches:
    """The batch of each step, cut from whole images in memory; the same on every backend.

    Args:
        images: `PairedImages`, `SuperResolutionImages`, `CleanImages` or `MixedImages`.
        plan: `SamplingPlan` over them.
        mixup: float. The fraction of steps whose batch is blended with itself in another order.
    """

    images: Images
    plan: SamplingPlan
    mixup: float = 0.0

    def batch(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and targets of a step, (batch, height, width, 3) float32 in 0..1."""
        step = int(step)
        stage, _ = self.plan.stage(step)
        random = np.random.default_rng([self.plan.seed, 2, step, self.plan.host])
        crops = [self._crop(sample, stage, random) for sample in self.plan.samples(step)]
        inputs, targets = (np.stack(arrays) for arrays in zip(*crops, strict=True))
        if random.random() < self.mixup:
            share = np.float32(random.beta(MIXUP_CONCENTRATION, MIXUP_CONCENTRATION))
            order = random.permutation(len(inputs))
            inputs = share * inputs + (1 - share) * inputs[order]
            targets = share * targets + (1 - share) * targets[order]
        return inputs, targets

    def _crop(self, sample, stage: Stage, random: np.random.Generator):
        low, sharp = self.images.pair(sample.image)
        target = _cut(sharp, sample, stage, 1)
        degrade = self.images.degradation(sample.image)
        if degrade is None:
            return _cut(low, sample, stage, self.images.scale), target
        return np.asarray(degrade(target, random), np.float32), target

    def dataset(self, start: int = 0) -> Any:
        """An endless `tf.data.Dataset` (TensorFlow backend) or `PyDataset`, from step `start`."""
        return endless(self.batch, start, self.specs())

    def tf_dataset(self, start: int = 0) -> Any:
        """An endless `tf.data.Dataset` of the batches from step `start` on."""
        return tf_dataset(self.batch, start, self.specs())

    def specs(self) -> Any:
        """The shapes of inputs and targets, as far as they are the same in all stages."""
        kinds = {(stage.batch // self.plan.hosts, stage.crop) for stage in self.plan.stages}
        batch, crop = kinds.pop() if len(kinds) == 1 else (None, None)
        sides = (crop and crop // self.images.scale, crop)
        return tuple(keras.KerasTensor((batch, side, side, 3)) for side in sides)


def _cut(image: np.ndarray, sample: Sample, stage: Stage, scale: int) -> np.ndarray:
    """Return a sample's crop of an image that is `scale` times smaller than the target."""
    top, left, side = (x // scale for x in (sample.top, sample.left, stage.cut))
    crop = to_float(image[top : top + side, left : left + side])
    if stage.shrink > 1:
        size = (stage.crop // scale, stage.crop // scale)
        crop = cv2.resize(crop, size, interpolation=cv2.INTER_AREA)
    return symmetry(crop, sample.symmetry)
