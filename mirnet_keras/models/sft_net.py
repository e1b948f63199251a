"""SFTGAN's generator."""

import keras

from mirnet_keras.layers import (
    ConditionNetwork,
    NearestUpsampling,
    PixelShuffle,
    SpatialFeatureTransform,
    SpatialFeatureTransformBlock,
    convolution,
)
from mirnet_keras.models.image_input import image_input
from mirnet_keras.models.restoration_model import RestorationModel

CLASSES = 8  # of outdoor scenes


def SFT_Net(
    variant: str = "pytorch",
    blocks: int = 16,
    filters: int = 64,
    name: str = "sft_net",
) -> RestorationModel:
    """Generator of SFTGAN, for super-resolution by 4 (Wang et al., CVPR 2018, Figure 3).

    The published models have the default sizes: 1,833,763 parameters in the variant "pytorch",
    1,612,195 in "torch".

    Args:
        variant: "pytorch", the later code (SFTGAN_noBN_OST_bg): enlarges by pixel shuffle;
            "torch", the paper's (SFTGAN_torch): enlarges by repeating pixels. The feature
            transforms differ as `layers.SpatialFeatureTransform` says.
        blocks: Residual blocks with feature transforms.
        filters: Channels of the features.
        name: Name of the model.

    Returns:
        A model from `[image, probabilities]` to the image, 4 times larger, RGB in 0..1, not
        clipped. Image: `(batch, height, width, 3)` RGB in 0..1, any size. Probabilities:
        `(batch, 4 * height, 4 * width, 8)`, summing to 1.

    Raises:
        ValueError: for another variant.
    """
    arguments = dict(locals())
    del arguments["name"]
    image = image_input(3, "image")
    probabilities = image_input(CLASSES, "probabilities")
    condition = ConditionNetwork(name="condition")(probabilities)
    shallow = x = convolution(filters, use_bias=True, name="head")(image)
    for b in range(blocks):
        x = SpatialFeatureTransformBlock(variant, name=f"block_{b}")([x, condition])
    x = SpatialFeatureTransform(variant, name="last_transform")([x, condition])
    x = convolution(filters, use_bias=True, name="body_last")(x)
    x = keras.layers.Add(name="long_skip")([x, shallow])
    for step in range(2):
        x = _doubled(x, variant, step)
    x = convolution(filters, use_bias=True, activation="relu", name="full_size")(x)
    restored = convolution(3, use_bias=True, name="tail", dtype="float32")(x)
    return RestorationModel(
        [image, probabilities],
        restored,
        network="sft_net",
        arguments=arguments,
        scale=4,
        name=name,
    )


def _doubled(x, variant: str, step: int):
    name, filters = f"enlarge_{step}", x.shape[-1]
    if variant == "pytorch":
        x = convolution(4 * filters, use_bias=True, name=name)(x)
        x = PixelShuffle(2, name=f"{name}_shuffle")(x)
    else:
        x = NearestUpsampling(name=f"{name}_nearest")(x)
        x = convolution(filters, use_bias=True, name=name)(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x)
