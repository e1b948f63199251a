"""HAN's layer attention."""

import keras
from keras import ops

from mirnet_keras.layers.attention_unit import AttentionUnit, softmax
from mirnet_keras.layers.image_statistic import image_statistic, log_count
from mirnet_keras.layers.scalar_weight import add_scalar


@keras.saving.register_keras_serializable("mirnet_keras")
class LayerAttention(AttentionUnit):
    """Adds to each layer's features those of the others, weighted by how (un)like they are (LAM).

    With F the layers' features as rows: `F + gamma softmax(-F F^T) F`. The products are not
    scaled, so that the weights of trained features are nearly always 0 and 1.

    HAN (Niu et al., ECCV 2020), "Layer Attention Module". Authors' code: a layer looks at those
    with the smallest product; the paper at those with the largest. Products and softmax are
    computed in float32 whatever the policy.

    Args:
        prefer_similar: bool. Whether a layer looks at those with the largest product.

    Input shape: a list of `(batch, height, width, channels)`, all equal; HAN's order is the
        newest layer first.
    Output shape: `(batch, height, width, layers * channels)`, the layers one after the other.
        With `return_attention=True` also the weights, `(batch, layers, layers)`, whose rows sum
        to 1.
    """

    def __init__(self, prefer_similar: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.prefer_similar = prefer_similar

    def build(self, input_shape):
        self.gamma = add_scalar(self, "gamma", 0.0)

    def call(self, inputs, return_attention=False):
        batch, height, width, channels = ops.shape(inputs[0])
        layers = len(inputs)
        features = _rows(inputs)
        likeness = image_statistic(products, *inputs, grows=True)
        weights = softmax(likeness if self.prefer_similar else -likeness)
        mixing = ops.eye(layers, dtype="float32") + ops.cast(self.gamma, "float32") * weights
        mixed = ops.matmul(ops.cast(mixing, features.dtype), features)
        mixed = ops.reshape(mixed, (batch, layers, height * width, channels))
        outputs = ops.reshape(
            ops.transpose(mixed, (0, 2, 1, 3)), (batch, height, width, layers * channels)
        )
        return (outputs, weights) if return_attention else outputs

    def compute_output_shape(self, input_shape):
        return (*input_shape[0][:-1], len(input_shape) * input_shape[0][-1])

    def get_config(self):
        return super().get_config() | {"prefer_similar": self.prefer_similar}


def products(*inputs, share=None):
    """The products of all layers with all layers, with a weight as `pixel_mean` gives it.

    Returns:
        (batch, layers, layers) and (batch,), both float32.
    """
    features = [ops.cast(x, "float32") for x in inputs]
    counting = features if share is None else [x * share[..., None] for x in features]
    likeness = ops.matmul(_rows(counting), ops.transpose(_rows(features), (0, 2, 1)))
    return likeness, log_count(inputs[0], share)


def _rows(inputs):
    """(batch, layers, numbers). No tensor has more than four axes: GPU delegates refuse them."""
    return ops.concatenate([ops.reshape(x, (ops.shape(x)[0], 1, -1)) for x in inputs], axis=1)
