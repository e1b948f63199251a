"""AWSRN for inference: plain convolutions only."""

import keras

from mirnet_keras.layers import MEAN_COLOUR, PixelShuffle, convolution
from mirnet_keras.models.image_input import image_input
from mirnet_keras.models.restoration_model import RestorationModel


def FoldedAWSRN(
    scale: int = 2,
    blocks: int = 4,
    units: int = 4,
    filters: int = 32,
    wide_filters: int = 128,
    kernel_size: int = 9,
    name: str = "awsrn_folded",
) -> RestorationModel:
    """The network that `fold` turns an `AWSRN` into: the same function, in fewer operations.

    Weight normalisation, all learned scales, the branches of the reconstruction and the mean
    colour behind it stand in the kernels and biases.

    Args:
        scale, blocks, units, filters, wide_filters: As in `AWSRN`.
        kernel_size: Of the one reconstruction convolution.
        name: Name of the model.

    Returns:
        A model as `AWSRN` returns. Its weights come from `fold`; it is not meant for training.
    """
    arguments = dict(locals())
    del arguments["name"]
    image = image_input(3, "low_resolution")
    offset = [-mean for mean in MEAN_COLOUR]
    shifted = keras.layers.Rescaling(1.0, offset, name="subtract_mean", dtype="float32")(image)
    skip = _convolution(3 * scale**2, name="skip", dtype="float32")(shifted)
    x = _convolution(filters, name="head")(shifted)
    for b in range(blocks):
        x = _block(x, units, wide_filters, f"block_{b}")
    detail = _convolution(3 * scale**2, kernel_size, name="reconstruction")(x)
    total = keras.layers.Add(name="add_skip", dtype="float32")([skip, detail])
    restored = PixelShuffle(scale, name="restored", dtype="float32")(total)
    return RestorationModel(
        image, restored, network="awsrn_folded", arguments=arguments, scale=scale, name=name
    )


def _block(x, units: int, wide_filters: int, name: str):
    block_input, filters, outputs = x, x.shape[-1], []
    for u in range(units):
        wide = _convolution(wide_filters, activation="relu", name=f"{name}_unit_{u}_expand")(x)
        residual = _convolution(filters, name=f"{name}_unit_{u}_project")(wide)
        x = keras.layers.Add(name=f"{name}_unit_{u}")([residual, x])
        outputs.append(x)
    joined = keras.layers.Concatenate(name=f"{name}_concatenate")(outputs)
    fused = _convolution(filters, name=f"{name}_fuse")(joined)
    return keras.layers.Add(name=name)([fused, block_input])


def _convolution(filters: int, kernel_size: int = 3, **kwargs):
    return convolution(filters, kernel_size, use_bias=True, **kwargs)
