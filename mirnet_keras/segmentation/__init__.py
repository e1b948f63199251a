"""The segmentation prior: which class of outdoor scene each pixel belongs to, how probably."""

from mirnet_keras.segmentation.classes import (
    ADE20K_MEMBERS,
    CLASSES,
    COLOURS,
    IMAGE_LABELS,
    VOID,
    VOID_COLOUR,
    ade20k_to_outdoor,
    colours_to_labels,
    labels_to_colours,
    labels_to_probabilities,
)
from mirnet_keras.segmentation.priors import (
    ArrayPrior,
    BackgroundPrior,
    FolderPrior,
    ModelPrior,
    Prior,
    prior,
)
from mirnet_keras.segmentation.probabilities import PriorError, check_probabilities

__all__ = [
    "ADE20K_MEMBERS",
    "CLASSES",
    "COLOURS",
    "IMAGE_LABELS",
    "VOID",
    "VOID_COLOUR",
    "ArrayPrior",
    "BackgroundPrior",
    "FolderPrior",
    "ModelPrior",
    "Prior",
    "PriorError",
    "ade20k_to_outdoor",
    "check_probabilities",
    "colours_to_labels",
    "labels_to_colours",
    "labels_to_probabilities",
    "prior",
]
