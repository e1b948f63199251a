"""SAN's region-level non-local block."""

import keras
from keras import ops

from mirnet_keras.layers.attention_unit import AttentionUnit, flat, looped, softmax
from mirnet_keras.layers.convolution import convolution

QUERY_BLOCK = 1024  # queries whose weights are in memory at once


@keras.saving.register_keras_serializable("mirnet_keras")
class RegionNonLocal(AttentionUnit):
    """Attention of every pixel to all others in its quarter of the image (RL-NL).

    `x + project(softmax(query(x) key(x)^T) value(x))`, each quarter for itself, all with the same
    weights. Exact, in blocks of queries: memory grows with the pixels, not with their square.

    SAN (Dai et al., CVPR 2019), "Region-level non-local module". Authors' code: two by two
    regions, no scaling of the products, and keys and values reduced by 2 x 2 maxima (by accident
    of a name; the paper has none). Computed in float32 whatever the policy.

    Args:
        filters: int or None. Channels of queries, keys and values; None: an eighth.
        pooled: bool. Whether keys and values are reduced.

    Input shape: `(batch, height, width, channels)`, sides at least 4 (2 without reduction).
    Output shape: same as the input. With `return_attention=True` also how much each key is looked
        at, 1 on the average over its region: `(batch, height, width, 1)`, sides halved (rounded
        down in each region) when `pooled`.

    Raises:
        ValueError: for a smaller image.
    """

    def __init__(self, filters: int | None = None, pooled: bool = True, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.pooled = pooled

    def build(self, input_shape):
        channels = input_shape[-1]
        filters = self.filters or max(channels // 8, 1)
        options = {"use_bias": True, "dtype": "float32"}
        self.query = convolution(filters, 1, name="query", **options)
        self.key = convolution(filters, 1, name="key", **options)
        self.value = convolution(filters, 1, name="value", **options)
        self.project = convolution(
            channels, 1, name="project", kernel_initializer="zeros", **options
        )
        for layer in (self.query, self.key, self.value):
            layer.build(input_shape)
        self.project.build((*input_shape[:-1], filters))

    def call(self, inputs, return_attention=False):
        self._check_sides(inputs.shape)
        features = [layer(inputs) for layer in (self.query, self.key, self.value)]
        quarters = zip(*(_quarters(x) for x in features), strict=True)
        found = [
            self._attend(query, key, value, return_attention) for query, key, value in quarters
        ]
        gathered = self.project(_joined([values for values, _ in found]))
        outputs = inputs + ops.cast(gathered, inputs.dtype)
        return (outputs, _joined([looks for _, looks in found])) if return_attention else outputs

    def _check_sides(self, shape):
        least = 4 if self.pooled else 2
        if any(isinstance(side, int) and side < least for side in shape[1:3]):
            raise ValueError(
                f"Images must have at least {least} rows and columns, so that each quarter has "
                f"keys. Received shape {tuple(shape)}. Pad the image."
            )

    def _attend(self, query, key, value, count_looks):
        """The gathered values of one region, and how much each key is looked at or None."""
        if self.pooled:
            key, value = (ops.max_pool(x, 2, 2, "valid") for x in (key, value))
        query_shape, key_shape = ops.shape(query), ops.shape(key)
        query, key, value = (flat(x) for x in (query, key, value))
        gathered = attention(query, key, value)
        looks = ops.reshape(_looks(query, key), (*key_shape[:3], 1)) if count_looks else None
        return ops.reshape(gathered, query_shape), looks

    def compute_output_shape(self, input_shape):
        return input_shape

    def compute_output_spec(self, inputs, return_attention=False):
        """Stated, not traced: JAX cannot follow maxima over quarters whose sizes are symbols."""
        outputs = keras.KerasTensor(inputs.shape, dtype=self.compute_dtype)
        if not return_attention:
            return outputs
        batch, *sides, _ = inputs.shape
        if self.pooled:
            sides = [side and side // 2 // 2 + (side + 1) // 2 // 2 for side in sides]
        return outputs, keras.KerasTensor((batch, *sides, 1), dtype="float32")

    def get_config(self):
        return super().get_config() | {"filters": self.filters, "pooled": self.pooled}


def attention(query, key, value):
    """softmax(query key^T) value, the softmax over the keys, exact, in blocks of queries.

    Args:
        query: (batch, queries, channels) float32.
        key, value: (batch, keys, channels) float32.

    Returns:
        (batch, queries, channels).
    """
    if query.shape[1] is None:
        return looped(_gathered, (query,), (key, value), QUERY_BLOCK)
    return ops.concatenate([_gathered(block, key, value) for block in _blocks(query)], axis=1)


def _gathered(query, key, value):
    products = ops.matmul(query, ops.swapaxes(key, -1, -2))
    return ops.matmul(softmax(products), value)


def _looks(query, key):
    """How much each key is looked at: (batch, keys), 1 on the average."""
    transposed = ops.transpose(key, (0, 2, 1))
    blocks = [query] if query.shape[1] is None else _blocks(query)
    shares = (softmax(ops.matmul(block, transposed)) for block in blocks)
    total = sum(ops.sum(share, axis=1) for share in shares)
    return total / ops.mean(total, axis=1, keepdims=True)


def _blocks(query):
    starts = range(0, query.shape[1], QUERY_BLOCK)
    return [query[:, start : start + QUERY_BLOCK] for start in starts]


def _quarters(images):
    """Upper left, upper right, lower left, lower right; the lower and right are the larger."""
    height, width = ops.shape(images)[1] // 2, ops.shape(images)[2] // 2
    upper, lower = images[:, :height], images[:, height:]
    return [upper[:, :, :width], upper[:, :, width:], lower[:, :, :width], lower[:, :, width:]]


def _joined(quarters):
    upper = ops.concatenate(quarters[:2], axis=2)
    lower = ops.concatenate(quarters[2:], axis=2)
    return ops.concatenate([upper, lower], axis=1)
