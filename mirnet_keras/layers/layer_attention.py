"""HAN's layer attention."""

import keras
from keras import ops

from mirnet_keras.layers.attention_unit import AttentionUnit, softmax
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
        features = ops.reshape(ops.stack(inputs, axis=1), (batch, layers, -1))
        weights = softmax(self._logits(features))
        mixing = ops.eye(layers, dtype="float32") + self.gamma * weights
        mixed = ops.matmul(ops.cast(mixing, features.dtype), features)
        mixed = ops.reshape(mixed, (batch, layers, height, width, channels))
        outputs = ops.reshape(
            ops.transpose(mixed, (0, 2, 3, 1, 4)), (batch, height, width, layers * channels)
        )
        return (outputs, weights) if return_attention else outputs

    def _logits(self, features):
        features = ops.cast(features, "float32")
        products = ops.matmul(features, ops.transpose(features, (0, 2, 1)))
        return products if self.prefer_similar else -products

    def compute_output_shape(self, input_shape):
        return (*input_shape[0][:-1], len(input_shape) * input_shape[0][-1])

    def get_config(self):
        return super().get_config() | {"prefer_similar": self.prefer_similar}
