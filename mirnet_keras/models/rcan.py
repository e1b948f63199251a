"""RCAN."""

import keras

from mirnet_keras.layers import MeanShift, PixelShuffleUpsampling, ResidualGroup, convolution
from mirnet_keras.models.image_input import image_input
from mirnet_keras.models.restoration_model import RestorationModel


def RCAN(
    scale: int = 2,
    groups: int = 10,
    blocks: int = 20,
    filters: int = 64,
    reduction: int = 16,
    value_range: float = 255.0,
    folded: bool = False,
    name: str = "rcan",
) -> RestorationModel:
    """Residual channel attention network for super-resolution (Zhang et al., ECCV 2018, Figure 2).

    The defaults are the published model, 15,444,667 parameters at scale 2.

    Args:
        scale: Linear enlargement: 3 or a power of 2.
        groups: Residual groups.
        blocks: Channel attention blocks in each group.
        filters: Channels of the features.
        reduction: Of the channel attention.
        value_range: White inside the network.
        folded: Whether the last convolution holds the mean shift behind it, as `fold` makes it.
        name: Name of the model.

    Returns:
        A model from `(batch, height, width, 3)` RGB in 0..1, any size, to
        `(batch, scale * height, scale * width, 3)`, not clipped.

    Raises:
        ValueError: for another scale.
    """
    arguments = dict(locals())
    del arguments["name"]
    image = image_input(3, "low_resolution")
    shifted = MeanShift(value_range, name="subtract_mean")(image)
    shallow = x = convolution(filters, use_bias=True, name="head")(shifted)
    for g in range(groups):
        x = ResidualGroup(blocks, reduction, name=f"group_{g}")(x)
    x = convolution(filters, use_bias=True, name="body_last")(x)
    x = keras.layers.Add(name="long_skip")([x, shallow])
    restored = enlarged(x, scale, None if folded else value_range)
    return RestorationModel(
        image, restored, network="rcan", arguments=arguments, scale=scale, name=name
    )


def enlarged(features, scale: int, value_range: float | None, trainable_shift: bool = True):
    """The end of RCAN, HAN and SAN: features to a larger image in 0..1, float32.

    Args:
        features: `(batch, height, width, channels)`.
        scale: Linear enlargement.
        value_range: White before the mean shift; None for none, where the tail holds it.
        trainable_shift: Whether training changes the mean shift.
    """
    x = PixelShuffleUpsampling(scale, name="upsampling")(features)
    x = convolution(3, use_bias=True, name="tail", dtype="float32")(x)
    if value_range is None:
        return x
    shift = MeanShift(
        value_range, add=True, trainable=trainable_shift, name="restored", dtype="float32"
    )
    return shift(x)
