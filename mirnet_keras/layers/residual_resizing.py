"""MIRNet's residual resizing modules."""

import keras

from mirnet_keras.layers.bilinear_enlargement import BilinearEnlargement
from mirnet_keras.layers.blur_pool import BlurPool
from mirnet_keras.layers.composite import Composite
from mirnet_keras.layers.convolution import UNIFORM_FAN_IN, convolution
from mirnet_keras.layers.scalar_prelu import ScalarPReLU


@keras.saving.register_keras_serializable("mirnet_keras")
class ResidualDownsampling(Composite):
    """Halves the size and doubles the channels on two paths that are added.

    Top: 1 x 1, 3 x 3, blur pooling, 1 x 1; bottom: blur pooling, 1 x 1.

    MIRNet (Zamir et al., ECCV 2020), "Residual Resizing Modules".

    Input shape: `(batch, height, width, channels)`, even sides.
    Output shape: `(batch, height / 2, width / 2, 2 * channels)`.
    """

    def build(self, input_shape):
        channels = input_shape[-1]
        policy = {"dtype": self.dtype_policy}
        self.reduce = convolution(channels, 1, name="reduce", **policy)
        self.reduce_activation = ScalarPReLU(name="reduce_activation", **policy)
        self.filter = convolution(channels, name="filter", **policy)
        self.filter_activation = ScalarPReLU(name="filter_activation", **policy)
        self.blur = BlurPool(name="blur", **policy)
        self.widen = convolution(2 * channels, 1, name="widen", **policy)
        self.shortcut = convolution(2 * channels, 1, name="shortcut", **policy)
        for layer in (self.reduce, self.filter, self.widen, self.shortcut):
            layer.build(input_shape)
        for layer in (self.reduce_activation, self.filter_activation, self.blur):
            layer.build(input_shape)

    def call(self, inputs):
        top = self.reduce_activation(self.reduce(inputs))
        top = self.filter_activation(self.filter(top))
        return self.widen(self.blur(top)) + self.shortcut(self.blur(inputs))

    def compute_output_shape(self, input_shape):
        *spatial, channels = BlurPool().compute_output_shape(input_shape)
        return (*spatial, 2 * channels)


@keras.saving.register_keras_serializable("mirnet_keras")
class ResidualUpsampling(Composite):
    """Doubles the size and halves the channels on two paths that are added.

    Top: 1 x 1, transposed 3 x 3, 1 x 1; bottom: bilinear enlargement and 1 x 1.

    MIRNet (Zamir et al., ECCV 2020), "Residual Resizing Modules".

    Input shape: `(batch, height, width, channels)`.
    Output shape: `(batch, 2 * height, 2 * width, channels / 2)`.
    """

    def build(self, input_shape):
        channels = input_shape[-1]
        policy = {"dtype": self.dtype_policy}
        self.reduce = convolution(channels, 1, name="reduce", **policy)
        self.reduce_activation = ScalarPReLU(name="reduce_activation", **policy)
        self.enlarge = keras.layers.Conv2DTranspose(
            channels,
            3,
            strides=2,
            use_bias=False,
            kernel_initializer=UNIFORM_FAN_IN,
            name="enlarge",
            **policy,
        )
        self.enlarge_activation = ScalarPReLU(name="enlarge_activation", **policy)
        self.narrow = convolution(channels // 2, 1, name="narrow", **policy)
        self.shortcut = BilinearEnlargement(channels // 2, name="shortcut", **policy)
        for layer in (self.reduce, self.enlarge, self.narrow, self.shortcut):
            layer.build(input_shape)
        for layer in (self.reduce_activation, self.enlarge_activation):
            layer.build(input_shape)

    def call(self, inputs):
        top = self.reduce_activation(self.reduce(inputs))
        # Authors' code: padding 1, output padding 1; of Keras' 2n + 1 pixels the first goes.
        top = self.enlarge_activation(self.enlarge(top)[:, 1:, 1:])
        return self.narrow(top) + self.shortcut(inputs)

    def compute_output_shape(self, input_shape):
        return BilinearEnlargement(input_shape[-1] // 2).compute_output_shape(input_shape)


class _Chain(Composite):
    """A resizing by `2 ** steps`: factor-two modules in a row, each with its own weights."""

    step_class: type[keras.layers.Layer]

    def __init__(self, steps: int = 1, **kwargs):
        super().__init__(**kwargs)
        self.number_of_steps = steps

    def build(self, input_shape):
        self.steps = [
            self.step_class(name=f"step_{s}", dtype=self.dtype_policy)
            for s in range(self.number_of_steps)
        ]
        for step in self.steps:
            step.build(input_shape)
            input_shape = step.compute_output_shape(input_shape)

    def call(self, inputs):
        for step in self.steps:
            inputs = step(inputs)
        return inputs

    def compute_output_shape(self, input_shape):
        for _ in range(self.number_of_steps):
            input_shape = self.step_class().compute_output_shape(input_shape)
        return input_shape

    def get_config(self):
        return super().get_config() | {"steps": self.number_of_steps}


@keras.saving.register_keras_serializable("mirnet_keras")
class ResidualDownsamplingChain(_Chain):
    """`steps` residual down-samplings in a row: size divided by `2 ** steps`.

    MIRNet, authors' code (`DownSample`).

    Args:
        steps: int. The number of halvings.

    Input shape: `(batch, height, width, channels)`.
    Output shape: `(batch, height / 2 ** steps, width / 2 ** steps, channels * 2 ** steps)`.
    """

    step_class = ResidualDownsampling


@keras.saving.register_keras_serializable("mirnet_keras")
class ResidualUpsamplingChain(_Chain):
    """`steps` residual up-samplings in a row: size multiplied by `2 ** steps`.

    MIRNet, authors' code (`UpSample`).

    Args:
        steps: int. The number of doublings.

    Input shape: `(batch, height, width, channels)`.
    Output shape: `(batch, height * 2 ** steps, width * 2 ** steps, channels / 2 ** steps)`.
    """

    step_class = ResidualUpsampling
