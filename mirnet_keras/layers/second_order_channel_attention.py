"""SAN's channel attention: gates from the covariance of the channels."""

from typing import Any

import keras
from keras import ops

from mirnet_keras.layers.attention_unit import flat
from mirnet_keras.layers.channel_attention import ChannelAttention
from mirnet_keras.layers.image_statistic import count, image_statistic, log_count, pixel_mean

MIDDLE_ITERATIONS = 3  # between the first and the last of the five
# Below this trace the covariance counts as zero; nothing above it changes.
SMALLEST_TRACE = 1e-12


@keras.saving.register_keras_serializable("mirnet_keras")
class SecondOrderChannelAttention(ChannelAttention):
    """Scales each channel by a gate computed from how it varies with all channels (SOCA).

    The gate sees the row means of the square root of the channels' covariance matrix.

    SAN (Dai et al., CVPR 2019), "Second-order Channel Attention". Authors' code: five
    Newton-Schulz steps, whether or not they have converged; statistics of at most the middle
    1000 x 1000 pixels. Computed in float32 whatever the policy.

    Args:
        reduction: int. The gate's hidden layer has `channels // reduction` units.
        statistics_size: int or None. The side of the middle piece that the statistics are taken
            of; None takes the whole image.

    Input shape: `(batch, height, width, channels)`, any size.
    Output shape: same as the input. With `return_attention=True` also the gate,
        `(batch, channels)`, in 0..1.

    Raises:
        ValueError: when built on fewer than `reduction` channels, or `statistics_size` is below 1.
    """

    def __init__(self, reduction: int = 16, statistics_size: int | None = 1000, **kwargs):
        super().__init__(reduction, use_bias=True, **kwargs)
        if statistics_size is not None and statistics_size < 1:
            raise ValueError(
                "`statistics_size` must be at least 1, or None for the whole image. "
                f"Received statistics_size={statistics_size}."
            )
        self.statistics_size = statistics_size

    def describe(self, inputs: Any) -> Any:
        if self.statistics_size is not None:
            inputs = central_piece(inputs, self.statistics_size)
        return square_root_row_mean(channel_covariance(inputs))

    def get_config(self):
        config = super().get_config() | {"statistics_size": self.statistics_size}
        del config["use_bias"]  # always
        return config


def central_piece(images, size: int):
    """The middle `size` rows and columns of (batch, height, width, channels), at most."""
    for axis in (1, 2):
        length = images.shape[axis]
        if length is None:
            spare = ops.maximum(ops.shape(images)[axis] - size, 0)
        elif isinstance(length, int):  # JAX compiles slices at Python integers only
            spare = max(length - size, 0)
        else:  # JAX, asked for the shape of the output, where the size is a symbol
            continue
        index = [slice(None)] * 4
        index[axis] = slice(spare // 2, spare // 2 + size)
        images = images[tuple(index)]
    return images


def channel_covariance(images):
    """Biased covariance of the channels over all pixels.

    Centred first: the authors' product with a centring matrix needs memory quadratic in the
    pixels and loses digits where means are large against deviations.

    Args:
        images: (batch, height, width, channels), any float type.

    Returns:
        (batch, channels, channels) float32.
    """
    mean = image_statistic(pixel_mean, images)
    centred = ops.cast(images, "float32") - mean[:, None, None]
    return image_statistic(mean_outer_product, centred)


def mean_outer_product(images, share=None):
    """The mean over the pixels of the products of all channels with all, as `pixel_mean`.

    Returns:
        (batch, channels, channels) and (batch,), both float32.
    """
    counting = images if share is None else images * share[..., None]
    total = ops.matmul(ops.transpose(flat(counting), (0, 2, 1)), flat(images))
    pixels = ops.reshape(count(images, share), (-1, 1, 1))
    return total / pixels, log_count(images, share)


def square_root(matrices):
    """Approximate square roots by five Newton-Schulz steps after division by the trace.

    Args:
        matrices: (batch, n, n) float32, symmetric, positive semi-definite.

    Returns:
        The same shape. Zero for zero.
    """
    root_of_trace, y, z = _newton_schulz(matrices)
    identity = ops.eye(matrices.shape[-1], dtype="float32")
    return root_of_trace * ops.matmul(y, 3 * identity - ops.matmul(z, y)) / 2


def square_root_row_mean(matrices):
    """The row means of `square_root`, without its last two matrix products: (batch, n)."""
    root_of_trace, y, z = _newton_schulz(matrices)
    mean = ops.full_like(matrices[:, :, :1], 1 / matrices.shape[-1])
    rows = ops.matmul(y, 3 * mean - ops.matmul(z, ops.matmul(y, mean)))
    return (root_of_trace * rows / 2)[..., 0]


def _newton_schulz(matrices):
    """Root of the trace, and the pair (Y, Z) before the last step."""
    identity = ops.eye(matrices.shape[-1], dtype="float32")
    # LiteRT has no trace.
    trace = ops.sum(matrices * identity, axis=(1, 2), keepdims=True)
    trace = ops.maximum(trace, SMALLEST_TRACE)
    a = matrices / trace
    z = (3 * identity - a) / 2
    y = ops.matmul(a, z)
    for _ in range(MIDDLE_ITERATIONS):
        step = (3 * identity - ops.matmul(z, y)) / 2
        y, z = ops.matmul(y, step), ops.matmul(step, z)
    return ops.sqrt(trace), y, z
