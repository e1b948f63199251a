"""Our layers, and Keras 3's, against the addons that they replace."""

import math

import numpy as np
import tensorflow as tf
import tensorflow_addons as tfa


def test_weight_norm(reference, close):
    case = reference("weight_norm")
    addon = tfa.layers.WeightNormalization(
        tf.keras.layers.Conv2D(5, 3, padding="same"), data_init=False
    )
    addon(tf.constant(case["inputs"]))  # the first call sets the lengths
    addon.v.assign(case["direction"])
    addon.g.assign(case["length"])
    addon.layer.bias.assign(case["bias"])
    with tf.GradientTape() as tape:
        outputs = addon(tf.constant(case["inputs"]))
        loss = tf.reduce_sum(outputs**2)
    close(outputs, case["outputs"])
    gradients = tape.gradient(loss, [addon.v, addon.g, addon.layer.bias])
    for name, gradient in zip(("direction", "length", "bias"), gradients, strict=True):
        close(gradient, case[f"{name}_gradient"])


def spectral_normalization(case):
    addon = tfa.layers.SpectralNormalization(
        tf.keras.layers.Conv2D(5, 3, padding="same"), power_iterations=1
    )
    addon.build(case["inputs"].shape)
    addon.w.assign(case["kernel"])
    addon.u.assign(case["u_at_first"][None])
    return addon


def test_spectral_norm(reference, close):
    case = reference("spectral_norm")
    addon = spectral_normalization(case)
    inputs = tf.constant(case["inputs"])
    for expected in case["trained"]:
        close(addon(inputs, training=True), expected)
    close(addon(inputs, training=False), case["evaluated"])
    close(addon.u[0], case["u"])


def test_spectral_norm_trains_another_parameter(reference, close):
    case = reference("spectral_norm")
    addon = spectral_normalization(case)
    for _ in case["trained"]:
        addon(tf.constant(case["inputs"]), training=True)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(addon(tf.constant(case["inputs"]), training=False) ** 2)
    matrix = case["kernel"].reshape(-1, 5)
    largest = case["v"] @ matrix @ case["u"]
    # The addon overwrites the kernel with the divided one; ours keeps it, ...
    close(addon.w, case["kernel"] / largest)
    close(case["kernel_at_last"], case["kernel"])
    # ... and its gradient also goes through the division.
    gradient = np.reshape(tape.gradient(loss, addon.w), (-1, 5))
    along = np.sum(gradient * matrix) / largest * np.outer(case["v"], case["u"])
    close(((gradient - along) / largest).reshape(case["kernel"].shape), case["kernel_gradient"])


def test_blur_pool_is_a_gaussian_filter(reference, close):
    case = reference("blur")
    sigma = (2 * math.log(2)) ** -0.5  # weights 1 : 2 : 1
    blurred = tfa.image.gaussian_filter2d(case["inputs"], (3, 3), sigma, padding="REFLECT")
    close(blurred[:, ::2, ::2], case["pooled"])


def test_gaussian_blur_inside_the_border(reference, close):
    case = reference("blur")
    blurred = tfa.image.gaussian_filter2d(case["inputs"], (5, 5), 1.2)
    close(blurred[:, 2:-2, 2:-2], case["blurred"][:, 2:-2, 2:-2])


def test_instance_norm(reference, close):
    case = reference("instance_norm")
    close(tfa.layers.InstanceNormalization(epsilon=1e-3)(case["inputs"]), case["outputs"])
