"""What layers compute from a whole image: gathered from its tiles, then given to them.

A tile does not know the means of the picture that it is cut from. So the layers ask for such
numbers through `image_statistic`, which by default computes them from the input. Inside
`gathered_statistics` it notes what the tiles have to say of them, and inside `given_statistics` it
gives what was gathered. Every such number is a weighted mean over the pixels, so that those of
tiles are put together by their weights.
"""

import contextlib
import contextvars
from collections.abc import Callable, Iterator, Sequence

import keras
from keras import ops

from mirnet_keras.layers.attention_unit import softmax

_answer: contextvars.ContextVar[Callable | None] = contextvars.ContextVar("answer", default=None)


def image_statistic(describe: Callable, *images, grows: bool = False):
    """`describe(*images)`, or what is known of the picture that the images are tiles of.

    Args:
        describe: function from images, and `share` (see `pixel_mean`), to a mean `(batch, ...)`
            and the logarithm of its weight, `(batch,)`.
        images: `(batch, height, width, channels)` each.
        grows: whether `describe` gives the sum over the pixels of the input instead of the mean.

    Returns:
        `(batch, ...)`, or `(1, ...)` for all tiles of one picture.
    """
    answer = _answer.get()
    return describe(*images)[0] if answer is None else answer(describe, images, grows)


def pixel_mean(images, share=None):
    """The mean over the pixels, as a `describe` of `image_statistic` gives it.

    Args:
        images: (batch, height, width, channels).
        share: (batch, height, width) float32, 0 or 1: which pixels count; None: all.

    Returns:
        (batch, channels) and (batch,), both float32.
    """
    if share is None:
        return _mean(images), log_count(images)
    images = ops.cast(images, "float32")
    batch, height, width, channels = ops.shape(images)
    pixels = ops.reshape(images, (batch, height * width, channels))
    total = ops.matmul(ops.reshape(share, (batch, 1, height * width)), pixels)[:, 0]
    return total / count(images, share)[:, None], log_count(images, share)


def _mean(images):
    """(batch, channels) float32."""
    if keras.backend.standardize_dtype(images.dtype) == "bfloat16":
        # Added up in float32 all the same, but without a copy of the images in that; the total is
        # rounded. In float16 it could overflow.
        return ops.cast(ops.sum(images, axis=(1, 2)), "float32") / count(images)
    return ops.mean(ops.cast(images, "float32"), axis=(1, 2))


def count(images, share=None):
    """How many pixels count: (batch,); without `share` one number for all images."""
    if share is None:
        return ops.cast(ops.shape(images)[1] * ops.shape(images)[2], "float32")
    return ops.sum(share, axis=(1, 2))


def log_count(images, share=None):
    """The weight of a plain mean: the logarithm of `count`."""
    return ops.log(count(images, share))


@contextlib.contextmanager
def gathered_statistics(
    regions, pixels, given: Sequence | None = None, corrections: Sequence | None = None
) -> Iterator[list]:
    """Inside, the images of a batch are tiles of one picture and share its statistics.

    Args:
        regions: (batch, 4) float32: of each tile the part that counts, first and last row, first
            and last column, in fractions of its sides.
        pixels: how many the picture has, a scalar.
        given: statistics that layers get, in the order of their use; None: what is gathered from
            this batch.
        corrections: what is added to each before layers get it; None: nothing.

    Yields:
        A list that fills with a mean, `(1, ...)`, and the logarithm of its weight, `(1,)`, for each
        statistic in the order of their use.
    """
    found: list = []

    def answer(describe, images, grows):
        share = _share(regions, images[0])
        means, weights = describe(*images, share=share)
        if grows:
            means = means / ops.reshape(count(images[0], share), _column(means))
        found.append(_combined(means, weights))
        index = len(found) - 1
        mean = found[-1][0] if given is None else given[index]
        if corrections is not None:
            mean = mean + corrections[index]
        return mean * pixels if grows else mean

    with _answered(answer):
        yield found


@contextlib.contextmanager
def given_statistics(statistics, pixels) -> Iterator[None]:
    """Inside, layers get these statistics, in the order of their use; `pixels` as above."""
    remaining = iter(statistics)

    def answer(describe, images, grows):
        mean = next(remaining)
        return mean * pixels if grows else mean

    with _answered(answer):
        yield


@contextlib.contextmanager
def _answered(answer: Callable) -> Iterator[None]:
    token = _answer.set(answer)
    try:
        yield
    finally:
        _answer.reset(token)


def _share(regions, images):
    """(batch, height, width): 1 for pixels whose middle lies in the region of their image."""
    inside = []
    for axis in (0, 1):
        length = ops.shape(images)[1 + axis]
        middles = (ops.arange(length, dtype="float32") + 0.5) / ops.cast(length, "float32")
        first, last = regions[:, 2 * axis, None], regions[:, 2 * axis + 1, None]
        inside.append(ops.cast((middles > first) & (middles < last), "float32"))
    return inside[0][:, :, None] * inside[1][:, None, :]


def _combined(means, weights):
    """The means of a batch as one: `(1, ...)`, and the logarithm of its weight, `(1,)`."""
    shares = ops.reshape(softmax(weights), _column(means))
    return ops.sum(means * shares, axis=0, keepdims=True), ops.logsumexp(weights, keepdims=True)


def _column(means) -> tuple[int, ...]:
    """The shape in which a number for each image meets the means."""
    return (-1, *[1] * (len(means.shape) - 1))
