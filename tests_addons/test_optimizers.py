"""Keras 3's optimizers, as far as recipes use them, against the addons that they replace."""

import tensorflow as tf
import tensorflow_addons as tfa


def test_adamw(reference, close):
    case = reference("adamw")
    variable = tf.Variable(case["start"])
    # Keras multiplies the decay by the learning rate, the addon does not.
    addon = tfa.optimizers.AdamW(weight_decay=0.1 * 0.01, learning_rate=0.01)
    for gradient, expected in zip(case["gradients"], case["values"], strict=True):
        addon.apply_gradients([(gradient, variable)])
        close(variable, expected)


def test_multi_optimizer(reference, close):
    case = reference("multi_optimizer")
    layers = [tf.keras.layers.Dense(size, use_bias=False) for size in (3, 2)]
    tf.keras.Sequential(layers).build((None, 4))
    kernels = [layer.kernel for layer in layers]
    for i, kernel in enumerate(kernels):
        kernel.assign(case[f"start_{i}"])
    rates = (0.001, 0.1)
    addon = tfa.optimizers.MultiOptimizer(
        [(tf.keras.optimizers.Adam(rate), layer) for rate, layer in zip(rates, layers, strict=True)]
    )
    for step in range(len(case["values_0"])):
        gradients = [tf.constant(case[f"gradients_{i}"][step]) for i in range(2)]
        addon.apply_gradients(zip(gradients, kernels, strict=True))
        for i, kernel in enumerate(kernels):
            close(kernel, case[f"values_{i}"][step])


def test_moving_average_differs_by_where_it_starts(reference, close):
    case = reference("moving_average")
    variable = tf.Variable(case["start"])
    stepper = tf.keras.optimizers.legacy.SGD(0.1)  # the addon takes no other kind
    addon = tfa.optimizers.MovingAverage(stepper, average_decay=0.9)
    # The addon's average starts at the weights before the first step, Keras' at those after it.
    offset = case["start"] - case["values"][0]
    for gradient, expected in zip(case["gradients"], case["values"], strict=True):
        addon.apply_gradients([(tf.constant(gradient), variable)])
        close(variable, expected)
    average = addon.get_slot(variable, "average")
    close(average - 0.9 ** len(case["values"]) * offset, case["average"])
