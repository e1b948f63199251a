"""Convolution with spectral normalisation."""

import keras
from keras import ops

from mirnet_keras.layers.convolution import UNIFORM_FAN_IN

SMALLEST_NORM = 1e-12


@keras.saving.register_keras_serializable("mirnet_keras")
class SpectralNormConvolution(keras.layers.Layer):
    """A convolution whose kernel is divided by an estimate of its largest singular value.

    With the kernel as a matrix W from the inputs of one output pixel to its channels, the estimate
    is `u . W v`. Each call in training first improves u and v by one power iteration, through
    which no gradient goes; a call in evaluation takes them as they are. Computed in float32 under
    every precision policy. Keras' own `SpectralNormalization` writes the divided kernel back and
    so trains another parameter.

    "Spectral Normalization for Generative Adversarial Networks" (Miyato et al., ICLR 2018),
    Section 2; Real-ESRGAN, authors' code (`torch.nn.utils.spectral_norm`).

    Args:
        filters: int. Output channels.
        kernel_size: int. Height and width of the kernel.
        strides: int. Step between output pixels, along both sides.
        use_bias: bool. Whether to add a bias, which is not normalised.

    Input shape: `(batch, height, width, channels)`, padded by `(kernel_size - 1) // 2` zeros on
        each side.
    Output shape: `(batch, height', width', filters)`; for strides 2 and an even kernel, half the
        size of an even input.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int = 3,
        strides: int = 1,
        use_bias: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.use_bias = use_bias
        self.padding = (kernel_size - 1) // 2
        self.bias = None

    def build(self, input_shape):
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.kernel_size, self.kernel_size, input_shape[-1], self.filters),
            initializer=keras.initializers.get(UNIFORM_FAN_IN),
            autocast=False,
        )
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")
        vector = {"trainable": False, "autocast": False, "dtype": "float32"}
        self.u = self.add_weight(
            name="u",
            shape=(self.filters,),
            initializer=lambda shape, dtype: _unit(keras.random.normal(shape, dtype=dtype)),
            **vector,
        )
        # From u, not at random as PyTorch has it: the same in training, and the estimate is not
        # an arbitrary number before the first step.
        self.v = self.add_weight(
            name="v",
            shape=(self.kernel_size**2 * input_shape[-1],),
            initializer=lambda shape, dtype: _unit(ops.matmul(self._matrix(), self.u)),
            **vector,
        )

    def call(self, inputs, training=False):
        matrix = self._matrix()
        if training:
            constant = ops.stop_gradient(matrix)
            self.v.assign(_unit(ops.matmul(constant, self.u)))
            self.u.assign(_unit(ops.matmul(self.v, constant)))
        largest = ops.sum(ops.matmul(ops.stop_gradient(self.v), matrix) * ops.stop_gradient(self.u))
        kernel = ops.cast(self.kernel, "float32") / largest
        sides = (self.padding, self.padding)
        padded = ops.pad(inputs, [(0, 0), sides, sides, (0, 0)])
        kernel = ops.cast(kernel, self.compute_dtype)
        outputs = ops.conv(padded, kernel, self.strides, padding="valid")
        return outputs if self.bias is None else ops.add(outputs, self.bias)

    def _matrix(self):
        """The kernel as (kernel_size^2 * channels, filters), float32."""
        return ops.reshape(ops.cast(self.kernel, "float32"), (-1, self.filters))

    def compute_output_shape(self, input_shape):
        batch, *sizes, _ = input_shape
        spare = 2 * self.padding - self.kernel_size
        height, width = (size and (size + spare) // self.strides + 1 for size in sizes)
        return (batch, height, width, self.filters)

    def get_config(self):
        config = {
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "use_bias": self.use_bias,
        }
        return super().get_config() | config


def _unit(vector):
    """The vector at length one, or zero."""
    return vector / ops.maximum(ops.sqrt(ops.sum(ops.square(vector))), SMALLEST_NORM)
