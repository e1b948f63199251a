"""Folders of images -> checked pairs -> batches for `model.fit`."""

from mirnet_keras.data.batches import Batches
from mirnet_keras.data.degradations import (
    CameraNoise,
    GaussianNoise,
    LowLight,
    PoissonGaussianNoise,
)
from mirnet_keras.data.degraded_pairs import write_degraded_pairs
from mirnet_keras.data.endless import StepDataset, endless
from mirnet_keras.data.folders import (
    CleanImages,
    DataError,
    Images,
    MixedImages,
    PairedImages,
    SuperResolutionImages,
    by_name,
)
from mirnet_keras.data.photo_degradation import PhotoDegradation
from mirnet_keras.data.plan import PlanError, SamplingPlan, Stage
from mirnet_keras.data.scenes import synthetic_scene
from mirnet_keras.data.segmented import SegmentedBatches
from mirnet_keras.data.training_sets import degraded_folder, paired_folder, sr_folder
from mirnet_keras.imresize import imresize
from mirnet_keras.symmetry import symmetry, undo_symmetry

DEGRADATIONS: dict[str, type] = {
    "gaussian": GaussianNoise,
    "poisson_gaussian": PoissonGaussianNoise,
    "camera": CameraNoise,
    "low_light": LowLight,
    "photo": PhotoDegradation,
}

__all__ = [
    "DEGRADATIONS",
    "Batches",
    "CleanImages",
    "DataError",
    "CameraNoise",
    "GaussianNoise",
    "Images",
    "LowLight",
    "MixedImages",
    "PairedImages",
    "PhotoDegradation",
    "PlanError",
    "PoissonGaussianNoise",
    "SamplingPlan",
    "SegmentedBatches",
    "Stage",
    "StepDataset",
    "SuperResolutionImages",
    "by_name",
    "degraded_folder",
    "endless",
    "imresize",
    "paired_folder",
    "sr_folder",
    "symmetry",
    "synthetic_scene",
    "undo_symmetry",
    "write_degraded_pairs",
]
