"""Feature networks: what perceptual losses and distances compare instead of pixels.

A feature network is any callable, such as a `keras.Model`, from images `(batch, height, width, 3)`,
RGB float 0..1, to a dict of feature maps `(batch, h, w, channels)` before the activation, by the
names of the layers.
"""

import difflib
import os
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

# Convolutions in each block of a network, by the name of its builder in `keras.applications`.
BLOCKS = {"VGG16": (2, 2, 3, 3, 3), "VGG19": (2, 2, 4, 4, 4)}

# What the networks subtract from an RGB image in 0..1, and what they divide by then.
CAFFE_INPUT = (np.array([123.68, 116.779, 103.939]) / 255, np.full(3, 1 / 255))
TORCHVISION_INPUT = (np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225]))

# Root mean square before the activation, over 82 sharp photographs of 480 x 480 pixels.
VGG16_RMS = {
    "block1_conv1": 68.85,
    "block1_conv2": 246.5,
    "block2_conv1": 434.9,
    "block2_conv2": 666.1,
    "block3_conv1": 839.7,
    "block3_conv2": 893.2,
    "block3_conv3": 887.8,
    "block4_conv1": 765.4,
    "block4_conv2": 515.8,
    "block4_conv3": 334.4,
    "block5_conv1": 137.5,
    "block5_conv2": 76.04,
    "block5_conv3": 47.49,
}
VGG19_DIVISOR = 12.75  # of every layer, as in SRGAN (Ledig et al., CVPR 2017, section 3.2)


def vgg16_features(
    path: str | os.PathLike | None = None,
    layers: Sequence[str] = ("block5_conv3",),
    dtype: str = "float32",
) -> keras.Model:
    """VGG16 (Simonyan and Zisserman, 2014; ImageNet) as a feature network.

    With the original (Caffe) weights, each map is divided by its root mean square over sharp
    photographs (`VGG16_RMS`), so that all layers count alike and values are of order one.

    Args:
        path: of the weights. `.h5`: Keras' file "without top"; `.safetensors`: the convolutions
            by the names in `keras.applications` (`block1_conv1.kernel`, `block1_conv1.bias`), or
            by torchvision's (`features.0.weight`), which has other weights: they get the
            normalisation they were trained with, and the maps stay undivided. None: Keras'
            weights, downloaded on first use.
        layers: names of the convolutions, "block1_conv1" to "block5_conv3".
        dtype: policy of the convolutions; "mixed_bfloat16" is good enough to train with.

    Returns:
        A frozen model from `(batch, height, width, 3)` RGB in 0..1, any size that the
        pooling leaves something of, to a dict of float32 maps by layer.

    Raises:
        FileNotFoundError: when there is no file at `path`.
        ValueError: for an unknown layer, or weights that cannot be read or downloaded.
    """
    return _feature_network("VGG16", path, layers, VGG16_RMS, dtype)


def vgg19_features(
    path: str | os.PathLike | None = None,
    layers: Sequence[str] = ("block5_conv4",),
    dtype: str = "float32",
) -> keras.Model:
    """VGG19 (Simonyan and Zisserman, 2014; ImageNet) as a feature network.

    With torchvision's weights and the default layer these are ESRGAN's features (authors' code:
    `features.34`). Keras' weights are the original (Caffe) ones, whose maps are divided by 12.75.

    Args:
        path: of the weights, as in `vgg16_features`.
        layers: names of the convolutions, "block1_conv1" to "block5_conv4".
        dtype: as in `vgg16_features`.

    Returns:
        A model as `vgg16_features` gives.

    Raises:
        FileNotFoundError: when there is no file at `path`.
        ValueError: for an unknown layer, or weights that cannot be read or downloaded.
    """
    divisors = dict.fromkeys(_convolutions("VGG19"), VGG19_DIVISOR)
    return _feature_network("VGG19", path, layers, divisors, dtype)


def _feature_network(network, path, layers, caffe_divisors, dtype):
    """Reads the weights and builds the network with the input and the scale that they need."""
    names = _convolutions(network)
    _check_layers(layers, names)
    arrays = _keras_weights(network, "imagenet") if path is None else _read(network, Path(path))
    if "features.0.weight" in arrays:
        arrays = _from_torchvision(arrays, network)
        model = _build(names, layers, TORCHVISION_INPUT, dict.fromkeys(names, 1.0), dtype)
    else:
        # The original networks take BGR: turning the first kernel round takes RGB.
        arrays = _with_rgb_kernel(arrays)
        model = _build(names, layers, CAFFE_INPUT, caffe_divisors, dtype)
    _fill(model, arrays, network, path)
    return model


def _convolutions(network: str) -> list[str]:
    """Names of a network's convolutions, from the image on."""
    return [
        f"block{b}_conv{c}"
        for b, count in enumerate(BLOCKS[network], 1)
        for c in range(1, count + 1)
    ]


def _check_layers(layers: Sequence[str], names: list[str]) -> None:
    unknown = [layer for layer in layers if layer not in names]
    if layers and not unknown:
        return
    near = difflib.get_close_matches(str(unknown[0]), names, 1) if unknown else None
    hint = f" Did you mean '{near[0]}'?" if near else ""
    raise ValueError(f"`layers` must be one or more of {names}. Received: layers={layers!r}.{hint}")


def _build(names, layers, normalisation, divisors, dtype) -> keras.Model:
    """The network up to the last of `layers`, without weights."""
    subtracted, divisor = normalisation
    image = keras.Input((None, None, 3), name="image", dtype="float32")
    x = keras.layers.Rescaling(
        (1 / divisor).tolist(), (-subtracted / divisor).tolist(), dtype="float32"
    )(image)
    maps = {}
    last = max(names.index(layer) for layer in layers)
    for name in names[: last + 1]:
        block, convolution = name.split("_")
        if name != names[0]:
            x = keras.layers.ReLU(dtype=dtype)(x)
            if convolution == "conv1":
                x = keras.layers.MaxPooling2D(dtype=dtype)(x)
        filters = min(64 * 2 ** (int(block[-1]) - 1), 512)
        # Not trainable from the start, so that no gradient tape keeps what only it would need.
        x = keras.layers.Conv2D(
            filters,
            3,
            padding="same",
            kernel_initializer="zeros",
            trainable=False,
            dtype=dtype,
            name=name,
        )(x)
        if name in layers:
            maps[name] = keras.layers.Rescaling(1 / divisors[name], dtype="float32")(x)
    return keras.Model(image, maps, trainable=False)


def _read(network: str, path: Path) -> dict[str, np.ndarray]:
    """The arrays of a weight file, by the names in the file."""
    if not path.is_file():
        raise FileNotFoundError(
            f"The weights of {network} are missing: there is no file '{path}'. Give the `path` of "
            "Keras' file without top (.h5) or of a .safetensors file, or none to download Keras'."
        )
    if path.suffix != ".safetensors":
        return _keras_weights(network, str(path))
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return load_file(path)
    except SafetensorError as error:
        raise ValueError(
            f"'{path}' is damaged or no safetensors file ({error}). Copy or download it again."
        ) from None


def _keras_weights(network: str, source: str) -> dict[str, np.ndarray]:
    """The arrays of `keras.applications`' network: downloaded ("imagenet") or from its file."""
    try:
        model = getattr(keras.applications, network)(include_top=False, weights=source)
    except Exception as error:  # Keras raises a bare Exception where a download fails
        raise ValueError(
            f"The weights of {network} could not be had from '{source}': {error}. Give the `path` "
            "of a file with them, .h5 or .safetensors."
        ) from error
    return {
        f"{layer.name}.{kind}": array
        for layer in model.layers
        for kind, array in zip(("kernel", "bias"), layer.get_weights(), strict=False)
    }


def _with_rgb_kernel(arrays):
    """The same weights for RGB instead of BGR."""
    kernel = arrays.get("block1_conv1.kernel")
    return arrays if kernel is None else arrays | {"block1_conv1.kernel": kernel[:, :, ::-1]}


def _from_torchvision(arrays, network):
    """torchvision's weights by the names and in the layout of Keras."""
    renamed, index = {}, 0
    for block, count in enumerate(BLOCKS[network], 1):
        for convolution in range(1, count + 1):
            ours = f"block{block}_conv{convolution}"
            kernel = arrays.get(f"features.{index}.weight")
            renamed[f"{ours}.kernel"] = None if kernel is None else kernel.transpose(2, 3, 1, 0)
            renamed[f"{ours}.bias"] = arrays.get(f"features.{index}.bias")
            index += 2  # the convolution and its activation
        index += 1  # the pooling
    return renamed


def _fill(model, arrays, network, path) -> None:
    """Gives the convolutions their weights."""
    for layer in model.layers:
        if not isinstance(layer, keras.layers.Conv2D):
            continue
        found = [arrays.get(f"{layer.name}.{kind}") for kind in ("kernel", "bias")]
        wanted = [tuple(weight.shape) for weight in layer.weights]
        if [None if array is None else array.shape for array in found] != wanted:
            raise ValueError(
                f"'{path}' does not hold the weights of {network}: {layer.name} should have a "
                f"kernel and a bias of shapes {wanted}. Give the `path` of another file."
            )
        layer.set_weights([array.astype(np.float32) for array in found])
