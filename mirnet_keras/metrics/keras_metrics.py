"""PSNR and SSIM for `model.compile`: float32, on any Keras backend."""

import warnings

import keras
import numpy as np
from keras import ops

from mirnet_keras import images
from mirnet_keras.metrics.full_reference import GAUSSIAN_SIZE, gaussian_kernel, similarity_map

SMALLEST_WEIGHT = 1e-12  # of an image, against division by zero; it counts with no weight
MSE_FLOOR = 1e-10  # equal images count as 100 dB, so that means stay finite


class _ImageMean(keras.metrics.Mean):
    """The mean of a figure over images: what `PSNR` and `SSIM` share.

    A batch counts with each of its images, so the mean does not depend on the batch size.
    """

    window = 1  # side of what each value of the map is computed from

    def __init__(self, border, luma, max_value, name, dtype):
        super().__init__(name=name, dtype=dtype)
        if border < 0 or not max_value > 0:
            raise ValueError(
                "`border` must be at least 0 and `max_value` above 0. Received "
                f"border={border}, max_value={max_value}."
            )
        self.border = border
        self.luma = luma
        self.max_value = max_value
        self.largest = self.add_weight(name="largest", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch.

        Args:
            y_true, y_pred: (batch, height, width, channels).
            sample_weight: Of each image, (batch,) or (batch, 1, 1), or of each pixel, (batch,
                height, width): the figure of an image is then that of its weighted pixels, and the
                image counts with the mean of their weights.
        """
        self.largest.assign(ops.maximum(self.largest, ops.cast(ops.max(y_true), "float32")))
        y_pred = ops.clip(self._compared(y_pred), 0.0, 1.0)
        reference, restored = self._luma(self._compared(y_true)), self._luma(y_pred)
        values = self._map(reference, restored)
        if sample_weight is None:
            return super().update_state(self._figure(ops.mean(values, axis=(1, 2))))
        weights = self._weights(sample_weight, values)
        total = ops.sum(weights, axis=(1, 2))
        means = ops.sum(weights * values, axis=(1, 2)) / ops.maximum(total, SMALLEST_WEIGHT)
        return super().update_state(self._figure(means), ops.mean(weights, axis=(1, 2)))

    def _weights(self, sample_weight, values):
        """Return weights of the shape of `values`, (batch, height, width)."""
        weights = ops.cast(sample_weight, "float32")
        if len(weights.shape) == 4:
            weights = weights[..., 0]
        if len(weights.shape) < 3:
            weights = ops.reshape(weights, (-1, 1, 1))
        elif weights.shape[1:] != (1, 1):
            cut = self.border + self.window // 2
            weights = weights[:, cut : -cut or None, cut : -cut or None]
        return ops.broadcast_to(weights, ops.shape(values))

    def result(self):
        self._check_range()
        return super().result()

    def reset_state(self):
        self._check_range()
        super().reset_state()
        self.largest.assign(0)

    def _check_range(self) -> None:
        """Warn where targets and `max_value` do not belong together."""
        try:
            largest = float(ops.convert_to_numpy(self.largest))
        except (NotImplementedError, TypeError):  # inside a graph: there is no value yet
            return
        if self.max_value > 1.5 and 0 < largest <= 1:
            cause = f"no target was above {largest:g}. For values in 0..1 set max_value=1"
        elif largest > 1.5 * self.max_value:
            cause = f"targets reach {largest:g}. For values in 0..255 set max_value=255"
        else:
            return
        warnings.warn(
            f"`{self.name}` is probably wrong: it has max_value={self.max_value:g}, but {cause}.",
            stacklevel=3,
        )

    def _compared(self, batch):
        """Cuts the border of (batch, height, width, channels) and brings white to 1."""
        inside = slice(self.border, -self.border or None)
        return ops.cast(batch, "float32")[:, inside, inside] / self.max_value

    def _luma(self, batch):
        """Takes Y where asked. No matrix product: on GPUs those may keep 10 bits of mantissa."""
        if not self.luma:
            return batch
        weighted = ops.sum(
            batch * np.array(images.LUMA_WEIGHTS, np.float32), axis=-1, keepdims=True
        )
        return (images.LUMA_OFFSET + weighted) / 255

    def get_config(self) -> dict:
        own = {"border": self.border, "luma": self.luma, "max_value": self.max_value}
        return {**own, **super().get_config()}


@keras.saving.register_keras_serializable("mirnet_keras")
class PSNR(_ImageMean):
    """The mean of `psnr` over images, for `model.compile`.

    Predictions are clipped to 0..`max_value`, not rounded. Equal images count as 100 dB.

    Args:
        border: pixels cut from each side.
        luma: compares Y of BT.601 in studio swing; needs RGB.
        max_value: what stands for white in targets and predictions.
        name: of the metric in logs.
        dtype: of the running mean.
    """

    def __init__(self, border=0, luma=False, max_value=1.0, name="psnr", dtype="float32"):
        super().__init__(border, luma, max_value, name, dtype)

    def _map(self, reference, restored):
        return ops.mean(ops.square(reference - restored), axis=-1)

    def _figure(self, error):
        return -10.0 * ops.log10(ops.maximum(error, MSE_FLOOR))


@keras.saving.register_keras_serializable("mirnet_keras")
class SSIM(_ImageMean):
    """The mean of `ssim` with the Gaussian window over images, for `model.compile`.

    Predictions are clipped to 0..`max_value`, not rounded.

    Args:
        border: pixels cut from each side.
        luma: compares Y of BT.601 in studio swing; needs RGB.
        max_value: what stands for white in targets and predictions.
        name: of the metric in logs.
        dtype: of the running mean.

    Raises:
        ValueError: on images with fewer than 11 pixels a side inside the border.
    """

    def __init__(self, border=0, luma=False, max_value=1.0, name="ssim", dtype="float32"):
        super().__init__(border, luma, max_value, name, dtype)

    window = GAUSSIAN_SIZE

    def _map(self, reference, restored):
        if any(size is not None and size < GAUSSIAN_SIZE for size in reference.shape[1:3]):
            raise ValueError(
                f"SSIM needs at least {GAUSSIAN_SIZE} x {GAUSSIAN_SIZE} pixels inside the border. "
                f"Received batches of shape {reference.shape} there (border={self.border})."
            )
        products = [reference * reference, restored * restored, reference * restored]
        maps = ops.concatenate([reference, restored, *products], axis=-1)
        x, y, xx, yy, xy = ops.split(_gaussian_means(maps), 5, axis=-1)
        return ops.mean(similarity_map(x, y, xx, yy, xy, max_value=1.0), axis=-1)

    def _figure(self, similarity):
        return similarity


def _gaussian_means(maps):
    """Filters (batch, height, width, maps) with SSIM's window, where it lies fully inside.

    Sums of shifted maps instead of `ops.image.ssim`'s convolution: that one may run with 10 bits
    of mantissa on GPUs (TF32), which the differences of SSIM's variances do not survive.
    """
    kernel = [float(weight) for weight in gaussian_kernel()]
    last = GAUSSIAN_SIZE - 1
    maps = sum(kernel[k] * maps[:, k : k - last or None] for k in range(GAUSSIAN_SIZE))
    return sum(kernel[k] * maps[:, :, k : k - last or None] for k in range(GAUSSIAN_SIZE))
