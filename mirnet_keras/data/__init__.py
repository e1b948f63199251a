"""Folders of images -> checked pairs -> batches for `model.fit`."""

from mirnet_keras.data.batches import Batches, StepDataset
from mirnet_keras.data.degradations import (
    DEGRADATIONS,
    GaussianNoise,
    LowLight,
    PoissonGaussianNoise,
)
from mirnet_keras.data.folders import (
    CleanImages,
    DataError,
    Images,
    PairedImages,
    SuperResolutionImages,
)
from mirnet_keras.data.imresize import imresize
from mirnet_keras.data.plan import PlanError, SamplingPlan, Stage, symmetry, undo_symmetry
from mirnet_keras.data.training_sets import degraded_folder, paired_folder, sr_folder

__all__ = [
    "DEGRADATIONS",
    "Batches",
    "CleanImages",
    "DataError",
    "GaussianNoise",
    "Images",
    "LowLight",
    "PairedImages",
    "PlanError",
    "PoissonGaussianNoise",
    "SamplingPlan",
    "Stage",
    "StepDataset",
    "SuperResolutionImages",
    "degraded_folder",
    "imresize",
    "paired_folder",
    "sr_folder",
    "symmetry",
    "undo_symmetry",
]
