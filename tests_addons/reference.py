"""Writes what our layers, scores, optimizers and presets give, for the tests in this folder.

    python tests_addons/reference.py reference.npz

Run in the main environment, from the checkout.
"""

import os
import sys
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import numpy as np
import tensorflow as tf
from keras.ops import convert_to_numpy

from mirnet_keras import metrics
from mirnet_keras.demo import demo_picture
from mirnet_keras.images import to_float
from mirnet_keras.layers import BlurPool, SpectralNormConvolution, WeightNormConvolution
from mirnet_keras.presets import load, read_preset

CHECKOUT = Path(__file__).parents[1]
DETAIL = (slice(40, 123), slice(60, 157))  # 83 x 97: no multiple of anything
STEPS = 20
RANDOM = np.random.default_rng(0)


def images(*shape):
    return RANDOM.random(shape, np.float32)


def weight_norm():
    inputs, layer = images(2, 9, 11, 3), WeightNormConvolution(5)
    layer.build(inputs.shape)
    layer.length.assign(0.5 + images(5))  # else it is the norm of the direction
    with tf.GradientTape() as tape:
        outputs = layer(inputs)
        loss = tf.reduce_sum(outputs**2)
    names = ("direction", "length", "bias")
    gradients = tape.gradient(loss, [getattr(layer, name).value for name in names])
    case = {"inputs": inputs, "outputs": outputs}
    for name, gradient in zip(names, gradients, strict=True):
        case |= {name: convert_to_numpy(getattr(layer, name)), f"{name}_gradient": gradient}
    return case


def spectral_norm():
    inputs, layer = images(2, 9, 11, 3), SpectralNormConvolution(5, use_bias=True)
    layer.build(inputs.shape)
    case = {
        "inputs": inputs,
        "kernel": convert_to_numpy(layer.kernel),
        "u_at_first": convert_to_numpy(layer.u),
    }
    trained = [np.array(layer(inputs, training=True)) for _ in range(3)]
    with tf.GradientTape() as tape:
        evaluated = layer(inputs, training=False)
        loss = tf.reduce_sum(evaluated**2)
    return case | {
        "trained": np.stack(trained),
        "evaluated": evaluated,
        "u": convert_to_numpy(layer.u),
        "v": convert_to_numpy(layer.v),
        "kernel_gradient": tape.gradient(loss, layer.kernel.value),
        "kernel_at_last": convert_to_numpy(layer.kernel),
    }


def blur():
    inputs = images(2, 19, 24, 3)
    blurred = keras.ops.image.gaussian_blur(inputs, (5, 5), (1.2, 1.2))
    return {"inputs": inputs, "pooled": BlurPool()(inputs), "blurred": blurred}


def instance_norm():
    inputs = images(2, 9, 11, 4)
    layer = keras.layers.GroupNormalization(groups=-1, epsilon=1e-3)
    return {"inputs": inputs, "outputs": layer(inputs)}


def scores():
    truth = to_float(demo_picture("coffee.webp"))[:97, :131]
    noisy = np.clip(truth + 0.05 * RANDOM.standard_normal(truth.shape), 0, 1).astype(np.float32)
    psnr, ssim = metrics.PSNR(), metrics.SSIM()
    for metric in (psnr, ssim):
        metric.update_state(truth[None], noisy[None])
    return {
        "truth": truth,
        "noisy": noisy,
        "psnr": metrics.psnr(truth, noisy),
        "ssim": metrics.ssim(truth, noisy),
        "psnr_metric": psnr.result(),
        "ssim_metric": ssim.result(),
    }


def trajectory(optimizer, starts, gradients):
    """The variables after every step, (steps, ...) each."""
    variables = [keras.Variable(start) for start in starts]
    optimizer.build(variables)
    steps = []
    for step in range(STEPS):
        optimizer.apply([tf.constant(gradient[step]) for gradient in gradients], variables)
        steps.append([convert_to_numpy(variable) for variable in variables])
    return [np.stack(values) for values in zip(*steps, strict=True)]


def adamw():
    start, gradients = images(4, 3), RANDOM.standard_normal((STEPS, 4, 3)).astype(np.float32)
    optimizer = keras.optimizers.AdamW(0.01, weight_decay=0.1)
    (values,) = trajectory(optimizer, [start], [gradients])
    return {"start": start, "gradients": gradients, "values": values}


def multi_optimizer():
    starts = [images(4, 3), images(3, 2)]
    gradients = [RANDOM.standard_normal((STEPS, *s.shape)).astype(np.float32) for s in starts]
    slow, fast = keras.optimizers.Adam(0.001), keras.optimizers.Adam(0.1)
    optimizer = keras.optimizers.MultiOptimizer(
        lambda variable: slow if variable.shape == (4, 3) else fast
    )
    values = trajectory(optimizer, starts, gradients)
    named = {"start": starts, "gradients": gradients, "values": values}
    return {f"{name}_{i}": arrays[i] for name, arrays in named.items() for i in range(2)}


def moving_average():
    start, gradients = images(4, 3), RANDOM.standard_normal((STEPS, 4, 3)).astype(np.float32)
    variable = keras.Variable(start)
    optimizer = keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.9)
    optimizer.build([variable])
    values = []
    for gradient in gradients:
        optimizer.apply([tf.constant(gradient)], [variable])
        values.append(convert_to_numpy(variable))
    optimizer.finalize_variable_values([variable])  # puts the average in the variable's place
    return {
        "start": start,
        "gradients": gradients,
        "values": np.stack(values),
        "average": convert_to_numpy(variable),
    }


def preset(folder):
    """A shipped model on a part of a photograph; one that takes a segmentation: background."""
    model = load(folder)
    is_dark = read_preset(folder).task == "low-light enhancement"
    picture = to_float(demo_picture("coffee_dark.png" if is_dark else "cat.webp"))[DETAIL][None]
    case = {"images": picture, "restored": model.restore(picture)}
    if model.classes is not None:
        sides = (model.scale * side for side in picture.shape[1:3])
        case["probabilities"] = np.zeros((1, *sides, model.classes), np.float32)
        case["probabilities"][..., 0] = 1
    return case


CASES = {
    "weight_norm": weight_norm,
    "spectral_norm": spectral_norm,
    "blur": blur,
    "instance_norm": instance_norm,
    "scores": scores,
    "adamw": adamw,
    "multi_optimizer": multi_optimizer,
    "moving_average": moving_average,
}


def main(target):
    keras.utils.set_random_seed(0)
    cases = {name: make() for name, make in CASES.items()}
    for folder in sorted((CHECKOUT / "saved_models").glob("*/saved_model/1")):
        cases[f"preset/{folder.parents[1].name}"] = preset(folder.parents[1])
    arrays = {
        f"{case}/{name}": np.asarray(value)
        for case, values in cases.items()
        for name, value in values.items()
    }
    np.savez_compressed(target, **arrays)


if __name__ == "__main__":
    main(sys.argv[1])
