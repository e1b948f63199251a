"""The loss for low light: pixels, structure and colour."""

from typing import Any

import keras
from keras import ops

from mirnet_keras.losses.charbonnier import charbonnier
from mirnet_keras.metrics.full_reference import similarity_map

WINDOW = 7  # of SSIM: scikit-image's default, by which low-light papers score
UNBIASED = WINDOW**2 / (WINDOW**2 - 1)  # factor of the variances
SCALES = 3
PATCH = 8  # side of the patches whose mean colours are compared
# BT.601: blue and red less luma, each within -0.5..0.5.
CHROMA = [[-0.168736, 0.5], [-0.331264, -0.418688], [0.5, -0.081312]]


@keras.saving.register_keras_serializable("mirnet_keras")
class EnhancementLoss(keras.losses.Loss):
    """Charbonnier loss, plus what SSIM lacks to 1, plus the error of the colours of patches.

    SSIM is the mean over three scales, each half as large as the one before, with a uniform
    window of 7 x 7. Colours are the two chroma components (BT.601) of the means of 8 x 8 pixels.
    Float32, also under mixed precision.

    Args:
        structure: Weight of `1 - SSIM`.
        colour: Weight of the mean absolute error of the chroma.
        epsilon: As in `charbonnier`.
        reduction: As for any Keras loss, over the images of the batch.
        name: Name of the loss.

    Raises:
        ValueError: when called on images with sides below 28, where the smallest scale does not
            hold one window.
    """

    def __init__(
        self,
        structure: float = 0.3,
        colour: float = 0.5,
        epsilon: float = 1e-3,
        reduction: str = "sum_over_batch_size",
        name: str = "enhancement",
    ):
        super().__init__(name=name, reduction=reduction, dtype="float32")
        self.structure = structure
        self.colour = colour
        self.epsilon = epsilon

    def call(self, y_true, y_pred):
        sides = ops.shape(y_true)[1:3]
        smallest = WINDOW * 2 ** (SCALES - 1)
        if any(isinstance(side, int) and side < smallest for side in sides):
            raise ValueError(
                f"Images must have sides of at least {smallest}. Received {tuple(sides)}. Train on "
                "larger crops."
            )
        true, restored = (ops.cast(image, "float32") for image in (y_true, y_pred))
        pixels = ops.mean(charbonnier(true, restored, self.epsilon), axis=(1, 2))
        structure = 1 - multi_scale_ssim(true, restored)
        colour = ops.mean(ops.abs(_chroma(true) - _chroma(restored)), axis=(1, 2, 3))
        return pixels + self.structure * structure + self.colour * colour

    def get_config(self) -> dict:
        return {
            "structure": self.structure,
            "colour": self.colour,
            "epsilon": self.epsilon,
            "reduction": self.reduction,
            "name": self.name,
        }


def multi_scale_ssim(true: Any, restored: Any) -> Any:
    """Return the mean SSIM of three scales, for images in 0..1.

    Args:
        true: (batch, height, width, channels) float32, sides at least 28.
        restored: the same shape.

    Returns:
        (batch,) float32, at most 1.
    """
    scores = []
    for scale in range(SCALES):
        if scale:
            true, restored = ops.average_pool(true, 2), ops.average_pool(restored, 2)
        similarity = similarity_map(
            _window_means(true),
            _window_means(restored),
            _window_means(true * true),
            _window_means(restored * restored),
            _window_means(true * restored),
            max_value=1.0,
            unbiased=UNBIASED,
        )
        scores.append(ops.mean(similarity, axis=(1, 2, 3)))
    return sum(scores) / SCALES


def _window_means(image):
    return ops.average_pool(image, WINDOW, strides=1)


def _chroma(image):
    """Return the chroma of the mean colours of patches: (batch, rows, columns, 2)."""
    return ops.matmul(ops.average_pool(image, PATCH), ops.convert_to_tensor(CHROMA, "float32"))
