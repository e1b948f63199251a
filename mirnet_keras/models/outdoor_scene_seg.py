"""SFTGAN's segmentation network for outdoor scenes."""

from collections.abc import Sequence

import keras
from keras import ops

from mirnet_keras.layers import LearnedEnlargement, convolution
from mirnet_keras.models.image_input import image_input
from mirnet_keras.models.restoration_model import RestorationModel

CLASSES = 8  # of outdoor scenes
STRIDE = 8  # of the class scores against the image
MEAN_BGR = (103.939, 116.779, 123.68)  # of ImageNet, in 0..255
STEPS = ((1, 1), (2, 1), (1, 2), (1, 4))  # stride and dilation of the four stages


def OutdoorSceneSeg(
    stem: Sequence[int] = (64, 64, 128),
    blocks: Sequence[int] = (3, 4, 23, 3),
    widths: Sequence[int] = (64, 128, 256, 512),
    hidden: int = 512,
    name: str = "outdoor_scene_seg",
) -> RestorationModel:
    """A dilated ResNet-101 for the eight classes of outdoor scenes (SFTGAN, authors' code).

    The defaults are the published network, 52,068,296 parameters. It was trained on images that
    were reduced by 4 and enlarged again, and so expects the bicubic enlargement of a small one.

    Args:
        stem: Channels of the three first convolutions.
        blocks: Bottleneck blocks of each of the four stages.
        widths: Channels inside the blocks of each stage, a quarter of those between them.
        hidden: Channels before the scores.
        name: Name of the model.

    Returns:
        A model from `(batch, height, width, 3)` RGB in 0..1, sides multiples of 8, to
        `(batch, height, width, 8)`, float32, the probabilities of the classes of
        `segmentation.CLASSES` in their order.
    """
    arguments = {
        "stem": list(stem),
        "blocks": list(blocks),
        "widths": list(widths),
        "hidden": hidden,
    }
    image = image_input(3, "image")
    x = keras.layers.Rescaling(255.0, [-mean for mean in MEAN_BGR], name="caffe")(
        ops.flip(image, axis=-1)
    )
    for i, filters in enumerate(stem):
        x = _normalised(x, filters, 3, f"stem_{i}", stride=1 if i else 2)
    x = keras.layers.MaxPooling2D(3, 2, padding="same", name="pool")(x)  # sides are even
    for stage, (stride, dilation) in enumerate(STEPS):
        for b in range(blocks[stage]):
            block = f"stage_{stage}_block_{b}"
            x = _bottleneck(x, widths[stage], block, 1 if b else stride, dilation)
    x = _normalised(x, hidden, 3, "hidden")
    x = keras.layers.Dropout(0.1, name="dropout")(x)
    x = convolution(CLASSES, 1, use_bias=True, name="scores")(x)
    x = LearnedEnlargement(STRIDE, name="enlargement")(x)
    probabilities = keras.layers.Softmax(name="probabilities", dtype="float32")(x)
    return RestorationModel(
        image,
        probabilities,
        network="outdoor_scene_seg",
        arguments=arguments,
        multiple=STRIDE,
        smallest=STRIDE,
        name=name,
    )


def _bottleneck(inputs, width: int, name: str, stride: int, dilation: int):
    x = _normalised(inputs, width, 1, f"{name}_reduce")
    x = _normalised(x, width, 3, f"{name}_filter", stride, dilation)
    x = _normalised(x, 4 * width, 1, f"{name}_widen", relu=False)
    shortcut = inputs
    if inputs.shape[-1] != 4 * width:
        shortcut = _normalised(inputs, 4 * width, 1, f"{name}_shortcut", stride, relu=False)
    x = keras.layers.Add(name=f"{name}_add")([x, shortcut])
    return keras.layers.ReLU(name=name)(x)


def _normalised(x, filters, kernel_size, name, stride=1, dilation=1, relu=True):
    """Convolution, batch normalisation and, unless told, ReLU."""
    options = {"dilation_rate": dilation, "name": name}
    if stride > 1:  # "same" would pad at the lower right only
        x = keras.layers.ZeroPadding2D(kernel_size // 2, name=f"{name}_pad")(x)
        options |= {"strides": stride, "padding": "valid"}
    x = convolution(filters, kernel_size, **options)(x)
    x = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_norm")(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x) if relu else x
