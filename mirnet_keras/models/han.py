"""HAN."""

from typing import Literal

import keras

from mirnet_keras.layers import (
    ChannelSpatialAttention,
    LayerAttention,
    MeanShift,
    ResidualGroup,
    convolution,
)
from mirnet_keras.models.image_input import image_input
from mirnet_keras.models.rcan import enlarged
from mirnet_keras.models.restoration_model import RestorationModel


def HAN(
    scale: int = 2,
    groups: int = 10,
    blocks: int = 20,
    filters: int = 64,
    reduction: int = 16,
    value_range: float = 255.0,
    variant: Literal["code", "paper"] = "code",
    folded: bool = False,
    name: str = "han",
) -> RestorationModel:
    """Holistic attention network for super-resolution (Niu et al., ECCV 2020, Figure 2).

    RCAN's body, a layer attention over all of its groups, and a channel-spatial attention on its
    result. The defaults are the published model, 15,924,057 parameters at scale 2. Its training
    starts from RCAN: the layers that both have bear the same names.

    Args:
        scale, groups, blocks, filters, reduction, value_range: As in `RCAN`.
        variant: `"code"`, as the authors' checkpoints need it: the layer attention sees the groups
            and the convolution behind them, prefers what is unlike, and a convolution fuses it with
            the channel-spatial attention. `"paper"`: it sees the groups alone, prefers what is
            alike, and the two are added.
        folded: Whether the last convolution holds the mean shift behind it, as `fold` makes it.
        name: Name of the model.

    Returns:
        A model from `(batch, height, width, 3)` RGB in 0..1, any size, to
        `(batch, scale * height, scale * width, 3)`, not clipped.

    Raises:
        ValueError: for another scale or variant.
    """
    if variant not in ("code", "paper"):
        raise ValueError(f'`variant` must be "code" or "paper". Received variant={variant!r}.')
    arguments = dict(locals())
    del arguments["name"]
    paper = variant == "paper"
    image = image_input(3, "low_resolution")
    shifted = MeanShift(value_range, trainable=False, name="subtract_mean")(image)
    shallow = x = convolution(filters, use_bias=True, name="head")(shifted)
    stages = []
    for g in range(groups):
        x = ResidualGroup(blocks, reduction, name=f"group_{g}")(x)
        stages.append(x)
    x = convolution(filters, use_bias=True, name="body_last")(x)
    newest_first = stages[::-1] if paper else [x, *stages[::-1]]
    layered = LayerAttention(prefer_similar=paper, name="layer_attention")(newest_first)
    layered = convolution(filters, use_bias=True, name="layer_fusion")(layered)
    x = ChannelSpatialAttention(name="channel_spatial_attention")(x)
    if paper:
        x = keras.layers.Add(name="fusion")([x, layered])
    else:
        x = keras.layers.Concatenate(name="both")([x, layered])
        x = convolution(filters, use_bias=True, name="fusion")(x)
    x = keras.layers.Add(name="long_skip")([x, shallow])
    restored = enlarged(x, scale, None if folded else value_range, trainable_shift=False)
    return RestorationModel(
        image, restored, network="han", arguments=arguments, scale=scale, name=name
    )
