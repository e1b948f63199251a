"""The sampling plan: which crops each training step sees, as a pure function of the step."""

import dataclasses
import functools

import numpy as np


@dataclasses.dataclass(frozen=True)
class Stage:
    """A stretch of training with one crop size.

    Args:
        steps: int. Training steps.
        crop: int. Side of the square crop in pixels of the target.
        batch: int. Crops in each step, over all hosts.
        shrink: int. Crops are cut `shrink` times larger and reduced to `crop`: early training
            sees whole scenes cheaply.
    """

    steps: int
    crop: int
    batch: int
    shrink: int = 1

    @property
    def cut(self) -> int:
        """Side of the square that is cut out, before it is reduced."""
        return self.crop * self.shrink


@dataclasses.dataclass(frozen=True)
class Sample:
    """One crop: image, upper left corner in pixels of the target, and one of eight symmetries."""

    image: int
    top: int
    left: int
    symmetry: int


class PlanError(ValueError):
    """Crops or batches that do not fit the images or the hosts."""


class SamplingPlan:
    """What each step sees: a pure function of seed and step, so that resuming is asking again.

    Images are drawn without replacement, in a new order in each pass. After the last stage the
    plan goes on with that stage's crops.

    Args:
        sizes: list of (height, width). Sizes of the target images in pixels.
        stages: list of `Stage`.
        seed: int. Another seed, another order.
        grid: int. Corners lie on multiples of it (the scale, so that input pixels are whole).
        augment: bool. Whether to use the eight flips and rotations.
        host, hosts: int. This host's number, and how many share each batch.

    Raises:
        PlanError: when an image is smaller than a crop, a crop is no multiple of `grid`, or a
            batch cannot be shared evenly by the hosts.
    """

    def __init__(
        self,
        sizes,
        stages: list[Stage],
        seed: int = 0,
        grid: int = 1,
        augment: bool = True,
        host: int = 0,
        hosts: int = 1,
    ):
        self.sizes = [tuple(size) for size in sizes]
        self.stages = list(stages)
        self.seed = seed
        self.grid = grid
        self.augment = augment
        self.host = host
        self.hosts = hosts
        self._check()

    def _check(self):
        smallest = min(min(size) for size in self.sizes)
        for stage in self.stages:
            if stage.cut > smallest or stage.crop % self.grid:
                raise PlanError(
                    f"`crop` must be a multiple of {self.grid}, and times `shrink` at most the "
                    f"smallest image side, {smallest} pixels. Received {stage}."
                )
            if stage.batch % self.hosts:
                raise PlanError(
                    f"`batch` must be a multiple of the number of hosts, {self.hosts}. "
                    f"Received batch={stage.batch}."
                )

    def stage(self, step: int) -> tuple[Stage, int]:
        """The stage of a step, and how many crops were drawn before it."""
        drawn = 0
        for stage in self.stages[:-1]:
            if step < stage.steps:
                return stage, drawn + step * stage.batch
            step -= stage.steps
            drawn += stage.steps * stage.batch
        return self.stages[-1], drawn + step * self.stages[-1].batch

    def samples(self, step: int) -> list[Sample]:
        """This host's crops of a step."""
        stage, drawn = self.stage(step)
        images = [self._image(drawn + i) for i in range(stage.batch)]
        chance = np.random.default_rng([self.seed, 1, step]).random((stage.batch, 3))
        samples = [
            self._sample(image, numbers, stage.cut)
            for image, numbers in zip(images, chance, strict=True)
        ]
        share = stage.batch // self.hosts
        return samples[self.host * share : (self.host + 1) * share]

    def _image(self, position: int) -> int:
        in_pass, place = divmod(position, len(self.sizes))
        return int(_order(self.seed, in_pass, len(self.sizes))[place])

    def _sample(self, image: int, chance, cut: int) -> Sample:
        vertical, horizontal, symmetry = chance
        height, width = self.sizes[image]
        top = int(vertical * ((height - cut) // self.grid + 1)) * self.grid
        left = int(horizontal * ((width - cut) // self.grid + 1)) * self.grid
        return Sample(image, top, left, int(symmetry * 8) if self.augment else 0)


@functools.lru_cache(maxsize=4)
def _order(seed: int, in_pass: int, count: int):
    return np.random.default_rng([seed, 0, in_pass]).permutation(count)
