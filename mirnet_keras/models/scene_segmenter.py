"""A small segmentation network, to train here."""

import keras

from mirnet_keras.layers import LearnedEnlargement, NearestUpsampling, convolution
from mirnet_keras.models.image_input import image_input
from mirnet_keras.models.restoration_model import RestorationModel

WIDTHS = (16, 32, 64, 96)  # channels at 1/2, 1/4, 1/8 and 1/16 of the size
FUSED = 48  # channels on the way back
MULTIPLE = 16


def SceneSegmenter(classes: int = 8, name: str = "scene_segmenter") -> RestorationModel:
    """A compact encoder and decoder that gives class probabilities (this package's own).

    Convolutions halve the size four times; what the whole image holds is added at the coarsest;
    on the way back, features of 1/8 and 1/4 are added, and the scores of 1/4 are enlarged.

    Args:
        classes: Classes; the default is the eight of `segmentation.CLASSES`.
        name: Name of the model.

    Returns:
        A model from `(batch, height, width, 3)` RGB in 0..1, sides multiples of 16, to
        `(batch, height, width, classes)`, float32, probabilities.
    """
    arguments = {"classes": classes}
    image = image_input(3, "image")
    x = keras.layers.Rescaling(2.0, -1.0, name="centred")(image)
    scales = []
    for level, filters in enumerate(WIDTHS):
        x = _normalised(x, filters, f"down_{level}", strides=2)
        x = _residual(x, f"block_{level}")
        scales.append(x)
    x = _residual(x, "deep")
    whole = keras.layers.GlobalAveragePooling2D(keepdims=True, name="whole_image")(x)
    whole = convolution(WIDTHS[-1], 1, use_bias=True, name="scene")(whole)
    x = keras.layers.Add(name="with_scene")([x, whole])
    x = convolution(FUSED, 1, name="narrow")(x)
    for level in (2, 1):
        x = NearestUpsampling(name=f"up_{level}")(x)
        side = convolution(FUSED, 1, use_bias=True, name=f"side_{level}")(scales[level])
        x = keras.layers.Add(name=f"joined_{level}")([x, side])
        x = _normalised(x, FUSED, f"fused_{level}")
    x = convolution(classes, 1, use_bias=True, name="scores")(x)
    x = LearnedEnlargement(4, name="enlargement")(x)
    probabilities = keras.layers.Softmax(name="probabilities", dtype="float32")(x)
    return RestorationModel(
        image,
        probabilities,
        network="scene_segmenter",
        arguments=arguments,
        multiple=MULTIPLE,
        smallest=MULTIPLE,
        name=name,
    )


def _residual(x, name: str):
    return keras.layers.Add(name=name)([x, _normalised(x, x.shape[-1], f"{name}_residual")])


def _normalised(x, filters: int, name: str, strides: int = 1):
    x = convolution(filters, strides=strides, kernel_initializer="he_normal", name=name)(x)
    x = keras.layers.BatchNormalization(momentum=0.95, name=f"{name}_norm")(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x)
