"""PReLU with one slope for all channels, as the papers' code uses it."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("mirnet_keras")
class ScalarPReLU(keras.layers.Layer):
    """`x` where positive, `slope * x` elsewhere, with one trained slope for all channels.

    MIRNet, authors' code: PyTorch's `nn.PReLU()`, which starts at 0.25. (Keras' own PReLU has
    one slope for each channel, or for each pixel.)

    Args:
        initial_slope: float. The slope before training.

    Input shape: any.
    Output shape: same as the input.
    """

    def __init__(self, initial_slope: float = 0.25, **kwargs):
        super().__init__(**kwargs)
        self.initial_slope = initial_slope
        self.fixed_slope: float | None = None

    def build(self, input_shape):
        self.slope = self.add_weight(
            name="slope",
            shape=(),
            initializer=keras.initializers.Constant(self.initial_slope),
        )

    def fix(self) -> None:
        """Makes a number of the slope as it is now: one operation instead of five, untrained."""
        self.fixed_slope = float(ops.convert_to_numpy(self.slope))

    def call(self, inputs):
        if self.fixed_slope is not None:
            return ops.leaky_relu(inputs, self.fixed_slope)
        return ops.relu(inputs) - self.slope * ops.relu(-inputs)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return super().get_config() | {"initial_slope": self.initial_slope}
