"""SPSAGAN's self-attention that a segmentation joins."""

from typing import Literal

import keras
from keras import ops

from mirnet_keras.layers.attention_unit import AttentionUnit, flat, looped
from mirnet_keras.layers.convolution import convolution
from mirnet_keras.layers.scalar_weight import add_scalar
from mirnet_keras.layers.spectral_norm_convolution import SpectralNormConvolution

PLAIN_POSITIONS = 4096  # up to which maps are given to look at
BLOCK_ENTRIES = 2**24  # of each map in memory at once: of images up to 4096 positions, all
MOST_BLOCKS = 16  # that are written out in a graph; more go through a loop
LOOPED_BLOCK = 64  # queries at once in a loop


@keras.saving.register_keras_serializable("mirnet_keras")
class SPSA(AttentionUnit):
    """Self-attention of features and of a segmentation, joined by a weight for each pair.

    `x + gamma * A value(x)` with `A = w * beta_seg + (1 - w) * beta_fea`, both maps softmaxes over
    the keys, and a weight `w` in 0..1 that is small where the maps agree.

    SPSAGAN (Zhang et al., arXiv 2003.03489). The weight's formula is not at hand; each
    `weight_mode` has the properties that a summary of the paper names, and is this package's
    decision. So are all further arguments and defaults. The attention itself: SAGAN (Zhang et al.,
    2019). Exact, in blocks of queries: memory grows with the pixels. Computed in float32 whatever
    the policy.

    Args:
        key_ratio: int. Feature keys have `channels // key_ratio` channels, at least one.
        seg_key_dim: int or None. Channels of the segmentation's keys; None: as many.
        seg_mode: `"learned"` keys and queries of the condition, or `"similarity"`: the condition's
            own products times `seg_temperature`.
        weight_mode: with a = beta_seg, b = beta_fea: `"relative"` abs(a - b) / (a + b), `"max"`
            abs(a - b) / max(a, b), `"abs"` abs(a - b), `"row_max"` that divided by its largest
            in the row, `"exp"` 1 - exp(-exp_gain * keys * abs(a - b)), or fixed: `"constant"`,
            `"feature"` (0), `"segmentation"` (1).
        logit_scale: factor on the products of learned keys and queries, or `"sqrt"` for one over
            the root of their channels.
        renormalize: whether the rows of A are divided by their sums.
        value_dim: int or None. Channels of the values, projected back behind the sum; None: no
            reduction and no projection.
        seg_temperature, exp_gain, constant: see above.
        query_block: queries at once, or `"auto"`: as many as have 2^24 pairs with the keys, which
            are all up to 4096 positions.
        key_pool: side of the pieces over which keys and values are averaged.
        window: side of the windows to which attention is confined; None: the whole image. The
            image's sides are multiples of it.
        spectral_norm: whether the 1 x 1 convolutions are divided by their spectral norm.

    Input shape: features `(batch, height, width, channels)` and condition
        `(batch, height, width, condition_channels)`.
    Output shape: as the features. With `return_attention=True` also `(batch, 3, queries, keys)`:
        beta_fea, beta_seg and w; of a whole image of at most 4096 positions.

    Raises:
        ValueError: for an option that is none.
    """

    def __init__(
        self,
        key_ratio: int = 8,
        seg_key_dim: int | None = None,
        seg_mode: Literal["learned", "similarity"] = "learned",
        weight_mode: str = "relative",
        logit_scale: float | Literal["sqrt"] = 1.0,
        renormalize: bool = False,
        value_dim: int | None = None,
        seg_temperature: float = 10.0,
        exp_gain: float = 1.0,
        constant: float = 0.5,
        query_block: int | Literal["auto"] = "auto",
        key_pool: int = 1,
        window: int | None = None,
        spectral_norm: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if weight_mode not in WEIGHTS:
            raise ValueError(f"`weight_mode` must be one of {list(WEIGHTS)}. Got {weight_mode!r}.")
        if seg_mode not in ("learned", "similarity"):
            raise ValueError(f'`seg_mode` must be "learned" or "similarity". Got {seg_mode!r}.')
        if not 0 <= constant <= 1:
            raise ValueError(f"`constant` must be in 0..1. Received constant={constant}.")
        self.key_ratio = key_ratio
        self.seg_key_dim = seg_key_dim
        self.seg_mode = seg_mode
        self.weight_mode = weight_mode
        self.logit_scale = logit_scale
        self.renormalize = renormalize
        self.value_dim = value_dim
        self.seg_temperature = seg_temperature
        self.exp_gain = exp_gain
        self.constant = constant
        self.query_block = query_block
        self.key_pool = key_pool
        self.window = window
        self.spectral_norm = spectral_norm

    def build(self, input_shape):
        features, condition = input_shape
        channels = features[-1]
        key_channels = max(channels // self.key_ratio, 1)
        self.key = self._projection(key_channels, "key", features, use_bias=False)
        self.query = self._projection(key_channels, "query", features)
        self.value = self._projection(self.value_dim or channels, "value", features)
        self.project = None
        if self.value_dim is not None:
            values = (*features[:-1], self.value_dim)
            self.project = self._projection(channels, "project", values)
        self.condition_key = self.condition_query = None
        if self.seg_mode == "learned":
            width = self.seg_key_dim or key_channels
            self.condition_key = self._projection(width, "condition_key", condition, use_bias=False)
            self.condition_query = self._projection(width, "condition_query", condition)
        self.gamma = add_scalar(self, "gamma", 0.0)

    def _projection(self, filters: int, name: str, input_shape, use_bias: bool = True):
        # A key's bias would add the same to a whole row, which the softmax does not see.
        if self.spectral_norm:
            layer = SpectralNormConvolution(
                filters, 1, use_bias=use_bias, name=name, dtype="float32"
            )
        else:
            layer = convolution(
                filters,
                1,
                use_bias=use_bias,
                kernel_initializer="glorot_uniform",
                name=name,
                dtype="float32",
            )
        layer.build(input_shape)
        return layer

    def call(self, inputs, training=False, return_attention=False):
        features, condition = inputs
        x, y = (ops.cast(tensor, "float32") for tensor in inputs)
        if self.window:
            x, y = (_windows(tensor, self.window) for tensor in (x, y))
        queries, keys, value = self._projected(x, y, training)
        if return_attention:
            self._check_positions(queries[0].shape, value.shape)
            maps = ops.stack(self._maps(*queries, *keys), axis=1)
        gathered = self._gathered(queries, keys, value, training)
        if self.window:
            gathered = ops.reshape(gathered, (*ops.shape(x)[:3], gathered.shape[-1]))
            gathered = _image(gathered, ops.shape(features))
        gathered = ops.reshape(gathered, (*ops.shape(features)[:3], gathered.shape[-1]))
        if self.project is not None:
            gathered = self._apply(self.project, gathered, training)
        outputs = features + ops.cast(self.gamma * gathered, features.dtype)
        return (outputs, maps) if return_attention else outputs

    def _projected(self, x, y, training):
        """Queries and keys of features and condition, scaled, and the values; all flat."""
        key, query, value = (
            self._apply(layer, x, training) for layer in (self.key, self.query, self.value)
        )
        query = query * self._logit_scale(query.shape[-1])
        if self.condition_key is None:
            seg_key, seg_query = y, y * self.seg_temperature
        else:
            seg_key = self._apply(self.condition_key, y, training)
            seg_query = self._apply(self.condition_query, y, training)
            seg_query = seg_query * self._logit_scale(seg_query.shape[-1])
        if self.key_pool > 1:
            key, seg_key, value = (
                ops.average_pool(tensor, self.key_pool, self.key_pool, "same")
                for tensor in (key, seg_key, value)
            )
        return (
            (flat(query), flat(seg_query)),
            (flat(key), flat(seg_key)),
            flat(value),
        )

    def _apply(self, layer, x, training):
        return layer(x, training=training) if self.spectral_norm else layer(x)

    def _logit_scale(self, channels: int) -> float:
        return channels**-0.5 if self.logit_scale == "sqrt" else self.logit_scale

    def _check_positions(self, queries, keys):
        if self.window or None in queries or queries[1] > PLAIN_POSITIONS:
            raise ValueError(
                "The attention maps hold every pair of positions: they are given without `window`, "
                f"of images of at most {PLAIN_POSITIONS} positions. Received {queries[1]} queries "
                f"and {keys[1]} keys, window={self.window}. Take a piece of the image."
            )

    def _maps(self, query, seg_query, key, seg_key):
        """beta_fea, beta_seg and w: each (batch, queries, keys)."""
        feature, segmentation = _log_softmax(query, key), _log_softmax(seg_query, seg_key)
        weight = WEIGHTS[self.weight_mode](self, segmentation, feature)
        return ops.exp(feature), ops.exp(segmentation), weight

    def _attend(self, query, seg_query, key, seg_key, value):
        """The values that some queries gather."""
        feature, segmentation, weight = self._maps(query, seg_query, key, seg_key)
        combined = weight * segmentation + (1 - weight) * feature
        if self.renormalize:
            combined = combined / ops.sum(combined, axis=-1, keepdims=True)
        return ops.matmul(combined, value)

    def _gathered(self, queries, keys, value, training):
        count = queries[0].shape[1]
        if count is None:  # known at run time only
            return self._looped(queries, keys, value)
        step = self._block_size(count, value.shape[1])
        if count > MOST_BLOCKS * step and not training:
            return self._looped(queries, keys, value)
        (query, seg_query), (key, seg_key) = queries, keys
        if step >= count:
            return self._attend(query, seg_query, key, seg_key, value)
        attend = keras.remat(self._attend) if training else self._attend
        blocks = [
            attend(query[:, b : b + step], seg_query[:, b : b + step], key, seg_key, value)
            for b in range(0, count, step)
        ]
        return ops.concatenate(blocks, axis=1)

    def _block_size(self, queries: int, keys: int) -> int:
        if self.query_block != "auto":
            return self.query_block
        return max(1, min(queries, BLOCK_ENTRIES // keys))

    def _looped(self, queries, keys, value):
        step = LOOPED_BLOCK if self.query_block == "auto" else self.query_block
        return looped(self._attend, queries, (*keys, value), step)

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def compute_output_spec(self, inputs, training=False, return_attention=False):
        """Stated, not traced: the number of positions may be unknown."""
        features, _ = inputs
        outputs = keras.KerasTensor(features.shape, dtype=self.compute_dtype)
        if not return_attention:
            return outputs
        batch, height, width, _ = features.shape
        queries = height and width and height * width
        keys = queries and -(-height // self.key_pool) * -(-width // self.key_pool)
        return outputs, keras.KerasTensor((batch, 3, queries, keys), dtype="float32")

    def get_config(self):
        names = (
            "key_ratio",
            "seg_key_dim",
            "seg_mode",
            "weight_mode",
            "logit_scale",
            "renormalize",
            "value_dim",
            "seg_temperature",
            "exp_gain",
            "constant",
            "query_block",
            "key_pool",
            "window",
            "spectral_norm",
        )
        return super().get_config() | {name: getattr(self, name) for name in names}


# The weight of the segmentation from the logarithms of both maps. "relative" and "max" are
# written without a division: no 0/0, and always in 0..1.


def _difference(segmentation, feature):
    return ops.abs(ops.exp(segmentation) - ops.exp(feature))


def _relative(layer, segmentation, feature):
    return ops.tanh(ops.abs(segmentation - feature) / 2)


def _to_larger(layer, segmentation, feature):
    return -ops.expm1(-ops.abs(segmentation - feature))


def _absolute(layer, segmentation, feature):
    return _difference(segmentation, feature)


def _to_row_maximum(layer, segmentation, feature):
    difference = _difference(segmentation, feature)
    largest = ops.max(difference, axis=-1, keepdims=True)
    # Smaller ones count as none: the gradient divides by their square.
    return difference / ops.where(largest > 1e-18, largest, ops.ones_like(largest))


def _exponential(layer, segmentation, feature):
    keys = ops.cast(ops.shape(feature)[-1], "float32")
    return -ops.expm1(-layer.exp_gain * keys * _difference(segmentation, feature))


def _fixed(value):
    return lambda layer, segmentation, feature: ops.full_like(feature, value(layer))


WEIGHTS = {
    "relative": _relative,
    "max": _to_larger,
    "abs": _absolute,
    "row_max": _to_row_maximum,
    "exp": _exponential,
    "constant": _fixed(lambda layer: layer.constant),
    "feature": _fixed(lambda layer: 0.0),
    "segmentation": _fixed(lambda layer: 1.0),
}


def _log_softmax(query, key):
    logits = ops.matmul(query, ops.swapaxes(key, -1, -2))
    logits = logits - ops.max(logits, axis=-1, keepdims=True)
    return logits - ops.log(ops.sum(ops.exp(logits), axis=-1, keepdims=True))


def _windows(images, side: int):
    """Windows of an image as images of their own."""
    batch, height, width, channels = ops.shape(images)
    grid = (batch, height // side, side, width // side, side, channels)
    windows = ops.transpose(ops.reshape(images, grid), (0, 1, 3, 2, 4, 5))
    return ops.reshape(windows, (-1, side, side, channels))


def _image(windows, shape):
    """The image that `_windows` cut."""
    batch, height, width, _ = shape
    side, channels = windows.shape[1], windows.shape[-1]
    grid = (batch, height // side, width // side, side, side, channels)
    image = ops.transpose(ops.reshape(windows, grid), (0, 1, 3, 2, 4, 5))
    return ops.reshape(image, (batch, height, width, channels))
