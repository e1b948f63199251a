"""SPSAGAN's generator."""

from collections.abc import Sequence
from typing import Any, Literal

import keras

from mirnet_keras.layers import (
    SPSA,
    ConditionNetwork,
    MirrorPadding,
    ResidualInResidualSparseBlock,
)
from mirnet_keras.models.image_input import image_input
from mirnet_keras.models.restoration_model import RestorationModel
from mirnet_keras.models.rrdbnet import NETWORK_SCALE, enlarged_fourfold, shallow_features


def SPSAGAN(
    scale: int = 4,
    filters: int = 64,
    blocks: int = 23,
    growth: int = 32,
    links: str | Sequence[Sequence[int]] = "log",
    spsa_after: Sequence[int] | None = None,
    attention: dict[str, Any] | None = None,
    condition: Literal["network", "probabilities"] = "network",
    cond_hidden: int = 128,
    cond_channels: int = 32,
    classes: int = 8,
    surround: int = 0,
    name: str = "spsagan",
) -> RestorationModel:
    """Generator of SPSAGAN (Zhang et al., arXiv 2003.03489): sparse blocks, prior self-attention.

    ESRGAN's generator with pruned blocks, and attention that joins features and a segmentation.
    Where the paper's text is not at hand, the arguments' defaults are this package's decisions:
    the links, where the attention stands, its weight, and the condition network of SFTGAN.

    Args:
        scale, filters, blocks, growth: As in `RRDBNet`.
        links: Of the sparse blocks: `"log"`, `"chain"`, `"dense"` (ESRGAN's blocks) or a table,
            as in `layers.link_table`.
        spsa_after: Numbers of the blocks, from 1, behind which an attention stands; None: the
            last. Empty for none, as in the first step of training: then the model takes only the
            image.
        attention: Options of the `layers.SPSA` there.
        condition: `"network"`: a small network on the segmentation (SFTGAN's), or
            `"probabilities"`: their averages over 4 x 4 pixels of the map, one for each feature.
        cond_hidden, cond_channels: Widths of the condition network.
        classes: Classes of the segmentation.
        surround: Mirrored pixels that the network puts around the image and cuts off the result,
            for use: trained against a discriminator, it darkens what lies at the very edge. 0, as
            in training, for none.
        name: Name of the model.

    Returns:
        A model from `[image, probabilities]` to the image, `scale` times larger, RGB in 0..1, not
        clipped. Image: `(batch, height, width, 3)` RGB in 0..1, sides multiples of `4 / scale`
        and of the attention's `window`. Probabilities: `(batch, scale * height, scale * width,
        classes)`, summing to 1.

    Raises:
        ValueError: for links, blocks, scale or an option that do not fit.
    """
    arguments = dict(locals())
    del arguments["name"]
    places = (blocks,) if spsa_after is None else tuple(spsa_after)
    options = attention or {}
    multiple = NETWORK_SCALE // scale * (options.get("window") or 1)
    _check(places, blocks, condition, surround, multiple)
    inputs = image = image_input(3, "low_resolution")
    if surround:
        image = MirrorPadding(surround, name="surround")(image)
    x = shallow = shallow_features(image, scale, filters)
    conditions = None
    if places:
        probabilities = image_input(classes, "probabilities")
        inputs = [inputs, probabilities]
        if surround:
            padding = MirrorPadding(scale * surround, name="surround_probabilities")
            probabilities = padding(probabilities)
        if condition == "network":
            network = ConditionNetwork(NETWORK_SCALE, cond_hidden, cond_channels, name="condition")
            conditions = network(probabilities)
        else:
            conditions = keras.layers.AveragePooling2D(NETWORK_SCALE, name="condition")(
                probabilities
            )
    for b in range(blocks):
        x = ResidualInResidualSparseBlock(growth, links, name=f"block_{b}")(x)
        if b + 1 in places:
            x = SPSA(**options, name=f"attention_{b}")([x, conditions])
    restored = enlarged_fourfold(x, shallow)
    if surround:
        cut = keras.layers.Cropping2D(scale * surround, name="cut", dtype="float32")
        restored = cut(restored)
    return RestorationModel(
        inputs,
        restored,
        network="spsagan",
        arguments=arguments,
        scale=scale,
        multiple=multiple,
        smallest=max(surround, multiple),  # what is mirrored lies within the image
        name=name,
    )


def _check(
    places: tuple[int, ...], blocks: int, condition: str, surround: int, multiple: int
) -> None:
    if len(set(places)) < len(places) or not all(1 <= place <= blocks for place in places):
        raise ValueError(
            f"`spsa_after` must hold different numbers of blocks, 1 to {blocks}. Received {places}."
        )
    if condition not in ("network", "probabilities"):
        raise ValueError(f'`condition` must be "network" or "probabilities". Got {condition!r}.')
    if surround < 0 or surround % multiple:
        raise ValueError(
            f"`surround` must be a multiple of {multiple}, as the image's sides are, or 0. "
            f"Received surround={surround}."
        )
