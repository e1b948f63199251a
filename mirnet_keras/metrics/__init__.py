"""How close a restored image is to its ground truth, and how natural it looks."""

from mirnet_keras.metrics.feature_distance import feature_distance
from mirnet_keras.metrics.full_reference import psnr, ssim
from mirnet_keras.metrics.keras_metrics import PSNR, SSIM
from mirnet_keras.metrics.niqe import NIQEParameters, niqe
from mirnet_keras.metrics.perceptual_index import perceptual_index
from mirnet_keras.metrics.protocols import PROTOCOLS, Protocol, Score, score

__all__ = [
    "NIQEParameters",
    "PROTOCOLS",
    "PSNR",
    "Protocol",
    "SSIM",
    "Score",
    "feature_distance",
    "niqe",
    "perceptual_index",
    "psnr",
    "score",
    "ssim",
]
