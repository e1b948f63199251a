"""AWSRN's reconstruction: branches of several kernel sizes, each with a learned weight."""

from typing import Any

import keras
from keras import ops

from mirnet_keras.layers.attention_unit import AttentionUnit
from mirnet_keras.layers.scalar_weight import add_scalar
from mirnet_keras.layers.weight_norm_convolution import WeightNormConvolution


@keras.saving.register_keras_serializable("mirnet_keras")
class AdaptiveWeightedMultiScale(AttentionUnit):
    """Sum of convolutions of several kernel sizes, each times a learned weight (AWMS).

    The branches are linear in the same input, so their sum is one convolution: its kernel is
    built from the branches' kernels at each call, exactly, and every branch gets its gradient.
    Pixel shuffle follows outside.

    AWSRN (Wang et al., 2019), "Adaptive Weighted Multi-Scale" reconstruction.

    Args:
        filters: int. Output channels (3 * scale * scale).
        kernel_sizes: odd ints. One branch each.

    Input shape: `(batch, height, width, channels)`.
    Output shape: `(batch, height, width, filters)`. With `return_attention=True` also the weights
        of the branches, `(batch, branches)`, the same for every image.

    Raises:
        ValueError: when `kernel_sizes` is empty, repeats a size or holds an even one.
    """

    def __init__(self, filters: int, kernel_sizes=(3, 5, 7, 9), **kwargs):
        super().__init__(**kwargs)
        sizes = tuple(kernel_sizes)
        if not sizes or len(set(sizes)) < len(sizes) or any(size % 2 == 0 for size in sizes):
            raise ValueError(
                f"`kernel_sizes` must be different odd sizes. Received kernel_sizes={sizes}."
            )
        self.filters = filters
        self.kernel_sizes = sizes

    def build(self, input_shape):
        self.branches = [
            WeightNormConvolution(
                self.filters, size, name=f"branch_{size}", dtype=self.dtype_policy
            )
            for size in self.kernel_sizes
        ]
        for branch in self.branches:
            branch.build(input_shape)
        self.scales = [add_scalar(self, f"scale_{size}", 0.25) for size in self.kernel_sizes]

    def merged(self) -> tuple[Any, Any]:
        """The one kernel and bias that equal the weighted sum of all branches, float32."""
        largest = max(self.kernel_sizes)
        kernel, bias = 0.0, 0.0
        for size, branch, scale in zip(self.kernel_sizes, self.branches, self.scales, strict=True):
            margin = (largest - size) // 2
            padding = [(margin, margin), (margin, margin), (0, 0), (0, 0)]
            kernel += ops.pad(branch.kernel() * scale, padding)
            bias += branch.bias * scale
        return kernel, bias

    def call(self, inputs, return_attention=False):
        kernel, bias = (ops.cast(x, self.compute_dtype) for x in self.merged())
        outputs = ops.add(ops.conv(inputs, kernel, padding="same"), bias)
        if return_attention:
            weights = ops.concatenate([ops.reshape(scale, (1, 1)) for scale in self.scales], axis=1)
            return outputs, ops.tile(weights, (ops.shape(inputs)[0], 1))
        return outputs

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.filters)

    def get_config(self):
        config = {"filters": self.filters, "kernel_sizes": self.kernel_sizes}
        return super().get_config() | config
