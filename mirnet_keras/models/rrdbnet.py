"""ESRGAN's generator."""

import keras

from mirnet_keras.layers import (
    NearestUpsampling,
    PixelUnshuffle,
    ResidualInResidualSparseBlock,
    convolution,
)
from mirnet_keras.models.image_input import image_input
from mirnet_keras.models.restoration_model import RestorationModel

NETWORK_SCALE = 4  # by which the features are enlarged, whatever goes in


def RRDBNet(
    scale: int = 4,
    filters: int = 64,
    blocks: int = 23,
    growth: int = 32,
    name: str = "rrdbnet",
) -> RestorationModel:
    """Residual-in-residual dense network for super-resolution (Wang et al., ECCVW 2018, Figure 4).

    The defaults are ESRGAN's published generator, 16,697,987 parameters.

    Args:
        scale: Linear enlargement: 4; or 2 or 1, where the image is first folded into channels, as
            Real-ESRGAN does (authors' code).
        filters: Channels of the features.
        blocks: Residual-in-residual dense blocks.
        growth: Channels that each convolution in a dense block adds.
        name: Name of the model.

    Returns:
        A model from `(batch, height, width, 3)` RGB in 0..1, sides multiples of `4 / scale`, to
        `(batch, scale * height, scale * width, 3)`, not clipped.

    Raises:
        ValueError: for another scale.
    """
    arguments = dict(locals())
    del arguments["name"]
    image = image_input(3, "low_resolution")
    x = shallow = shallow_features(image, scale, filters)
    for b in range(blocks):
        x = ResidualInResidualSparseBlock(growth, "dense", name=f"block_{b}")(x)
    restored = enlarged_fourfold(x, shallow)
    return RestorationModel(
        image,
        restored,
        network="rrdbnet",
        arguments=arguments,
        scale=scale,
        multiple=NETWORK_SCALE // scale,
        smallest=NETWORK_SCALE // scale,
        name=name,
    )


def shallow_features(image, scale: int, filters: int):
    """The first convolution, on pieces of the image where it is enlarged by less than 4."""
    if scale not in (1, 2, 4):
        raise ValueError(f"`scale` must be 1, 2 or 4. Received scale={scale}.")
    x = image
    if scale < NETWORK_SCALE:
        x = PixelUnshuffle(NETWORK_SCALE // scale, name="unshuffle")(x)
    return convolution(filters, use_bias=True, name="first")(x)


def enlarged_fourfold(features, shallow):
    """Behind the blocks: the long skip, two enlargements by 2, and the image in float32."""
    filters = features.shape[-1]
    x = convolution(filters, use_bias=True, name="trunk")(features)
    x = keras.layers.Add(name="long_skip")([x, shallow])
    for step in (1, 2):
        x = NearestUpsampling(name=f"nearest_{step}")(x)
        x = convolution(filters, use_bias=True, name=f"enlarge_{step}")(x)
        x = keras.layers.LeakyReLU(0.2, name=f"enlarge_{step}_relu")(x)
    x = convolution(filters, use_bias=True, name="full_size")(x)
    x = keras.layers.LeakyReLU(0.2, name="full_size_relu")(x)
    return convolution(3, use_bias=True, name="last", dtype="float32")(x)
