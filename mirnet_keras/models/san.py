"""SAN."""

from typing import Literal

import keras

from mirnet_keras.layers import (
    LocalSourceResidualAttentionGroup,
    MeanShift,
    RegionNonLocal,
    ShareSource,
    convolution,
)
from mirnet_keras.models.image_input import image_input
from mirnet_keras.models.rcan import enlarged
from mirnet_keras.models.restoration_model import RestorationModel


def SAN(
    scale: int = 2,
    groups: int = 20,
    blocks: int = 10,
    filters: int = 64,
    reduction: int = 16,
    statistics_size: int | None = 1000,
    value_range: float = 255.0,
    variant: Literal["code", "paper"] = "code",
    folded: bool = False,
    name: str = "san",
) -> RestorationModel:
    """Second-order attention network for super-resolution (Dai et al., CVPR 2019, Figure 2).

    The defaults are the published model, 15,674,756 parameters at scale 2.

    Args:
        scale: Linear enlargement: 3 or a power of 2.
        groups: Local-source residual attention groups.
        blocks: Residual blocks in each group.
        filters: Channels of the features, at least 8.
        reduction: Of the second-order channel attention.
        statistics_size: Side of the middle piece whose covariance is taken, as the authors do;
            None takes the whole image.
        value_range: White inside the network.
        variant: `"code"`, as the authors' checkpoints need it: keys and values of the non-local
            block reduced by 2, one number as weight of the shared source. `"paper"`: not reduced,
            and a 1 x 1 convolution for each group.
        folded: Whether the last convolution holds the mean shift behind it, as `fold` makes it.
        name: Name of the model.

    Returns:
        A model from `(batch, height, width, 3)` RGB in 0..1, sides at least 4, to
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
    shifted = MeanShift(value_range, name="subtract_mean")(image)
    shallow = convolution(filters, use_bias=True, name="head")(shifted)
    non_local = RegionNonLocal(pooled=not paper, name="non_local")
    source = x = non_local(shallow)
    shared = None if paper else ShareSource(name="share_source")(source)
    for g in range(groups):
        x = LocalSourceResidualAttentionGroup(
            blocks, reduction, statistics_size, name=f"group_{g}"
        )(x)
        skip = ShareSource(by_channel=True, name=f"share_source_{g}")(source) if paper else shared
        x = keras.layers.Add(name=f"source_skip_{g}")([x, skip])
    x = non_local(x)
    x = keras.layers.Add(name="long_skip")([x, shallow])
    restored = enlarged(x, scale, None if folded else value_range)
    return RestorationModel(
        image,
        restored,
        network="san",
        arguments=arguments,
        scale=scale,
        smallest=2 if paper else 4,
        name=name,
    )
