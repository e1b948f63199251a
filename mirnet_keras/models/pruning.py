"""AWSRN's headline: scale branches that add little are removed after training."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from keras import ops

from mirnet_keras.metrics import psnr
from mirnet_keras.models.awsrn import AWSRN
from mirnet_keras.models.restoration_model import RestorationModel


@dataclasses.dataclass(frozen=True)
class Branch:
    """What one branch of the multi-scale reconstruction contributes.

    Args:
        kernel_size: int. Side of the branch's kernel.
        scale: float. Its learned adaptive weight.
        strength: float. `|scale|` times the mean length of its kernels: because of weight
            normalisation `scale` alone says little.
        share: float. Its part of the sum of all branches' strengths, 0..1.
        parameters: int. Parameters that go with it.
    """

    kernel_size: int
    scale: float
    strength: float
    share: float
    parameters: int


@dataclasses.dataclass(frozen=True)
class Pruning:
    """The result of `prune_scale_branches`.

    Args:
        model: RestorationModel. The smaller model.
        branches: list of `Branch`. All branches of the model before.
        removed: list of int. Kernel sizes that were removed.
        cost_db: float or None. Mean PSNR lost on the given pictures (negative: gained).
    """

    model: RestorationModel
    branches: list[Branch]
    removed: list[int]
    cost_db: float | None


def scale_branches(model: RestorationModel) -> list[Branch]:
    """The learned contribution of each branch of an AWSRN's reconstruction.

    AWSRN (Wang et al., 2019), abstract: redundant branches are told by their adaptive weights.
    """
    tail = model.get_layer("reconstruction")
    scales = [float(ops.convert_to_numpy(scale)) for scale in tail.scales]
    strengths = [
        abs(scale) * float(np.mean(np.abs(ops.convert_to_numpy(branch.length))))
        for scale, branch in zip(scales, tail.branches, strict=True)
    ]
    return [
        Branch(size, scale, strength, strength / sum(strengths), branch.count_params() + 1)
        for size, scale, strength, branch in zip(
            tail.kernel_sizes, scales, strengths, tail.branches, strict=True
        )
    ]


def prune_scale_branches(
    model: RestorationModel, threshold: float, pairs: Sequence = ()
) -> Pruning:
    """Removes the branches of an AWSRN that contribute less than `threshold`.

    The smaller model is exactly the model with those branches' scales set to zero; training it
    on may win back what that cost.

    Args:
        model: An `AWSRN`.
        threshold: Branches with a smaller `share` (0..1) are removed.
        pairs: Low- and high-resolution pictures (height, width, 3), float 0..1, on which the
            cost is measured.

    Returns:
        A `Pruning`.

    Raises:
        ValueError: when the model is no AWSRN, or no branch would be left.
    """
    if model.network != "awsrn":
        raise ValueError(f"Only an AWSRN has scale branches. Received: {model.network!r}.")
    branches = scale_branches(model)
    kept = [branch.kernel_size for branch in branches if branch.share >= threshold]
    if not kept:
        largest = max(branch.share for branch in branches)
        raise ValueError(
            f"`threshold` must leave a branch: the largest share is {largest:.3f}. "
            f"Received threshold={threshold}."
        )
    smaller = AWSRN(**(model.arguments | {"kernel_sizes": kept}), name=model.name)
    _copy_weights(model, smaller, kept)
    removed = [branch.kernel_size for branch in branches if branch.kernel_size not in kept]
    cost = _mean_psnr(model, pairs) - _mean_psnr(smaller, pairs) if len(pairs) else None
    return Pruning(smaller, branches, removed, cost)


def _copy_weights(model, smaller, kept: list[int]):
    for layer in smaller.layers:
        if layer.name != "reconstruction":
            layer.set_weights(model.get_layer(layer.name).get_weights())
    full, tail = model.get_layer("reconstruction"), smaller.get_layer("reconstruction")
    for place, size in enumerate(kept):
        source = full.kernel_sizes.index(size)
        tail.branches[place].set_weights(full.branches[source].get_weights())
        tail.scales[place].assign(full.scales[source])


def _mean_psnr(model, pairs) -> float:
    return float(np.mean([psnr(high, model.restore(low)) for low, high in pairs]))
