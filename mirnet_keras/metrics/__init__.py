"""How close a restored image is to its ground truth."""

from mirnet_keras.metrics.full_reference import psnr, ssim
from mirnet_keras.metrics.keras_metrics import PSNR, SSIM
from mirnet_keras.metrics.protocols import PROTOCOLS, Protocol, Score, score

__all__ = ["PROTOCOLS", "PSNR", "SSIM", "Protocol", "Score", "psnr", "score", "ssim"]
