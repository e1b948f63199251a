"""AWSRN."""

import keras

from mirnet_keras.layers import (
    MEAN_COLOUR,
    AdaptiveWeightedMultiScale,
    LocalFusionBlock,
    PixelShuffle,
    WeightNormConvolution,
)
from mirnet_keras.models.image_input import image_input
from mirnet_keras.models.restoration_model import RestorationModel

# The arguments of the published variants, each for every scale.
AWSRN_VARIANTS = {
    "AWSRN": {"blocks": 4, "units": 4, "filters": 32},
    "AWSRN-M": {"blocks": 3, "units": 4, "filters": 32},
    "AWSRN-S": {"blocks": 1, "units": 4, "filters": 32},
    "AWSRN-SD": {"blocks": 1, "units": 8, "filters": 16},
}


def AWSRN(
    scale: int = 2,
    blocks: int = 4,
    units: int = 4,
    filters: int = 32,
    wide_filters: int = 128,
    kernel_sizes: tuple[int, ...] = (3, 5, 7, 9),
    initial_scale: float = 1.0,
    name: str = "awsrn",
) -> RestorationModel:
    """Lightweight super-resolution by adaptive weighted learning (Wang et al., 2019, Figure 2).

    `AWSRN_VARIANTS` has the arguments of the published models.

    Args:
        scale: Linear enlargement; published for 2, 3, 4, 8.
        blocks: Local fusion blocks.
        units: Adaptive weighted residual units in each block.
        filters: Channels between the units.
        wide_filters: Channels inside a unit.
        kernel_sizes: The branches of the multi-scale reconstruction.
        initial_scale: Weight of the residual paths before training.
        name: Name of the model.

    Returns:
        A model from `(batch, height, width, 3)` RGB in 0..1, any size, to
        `(batch, scale * height, scale * width, 3)`, not clipped. The authors' network takes and
        gives 0..255; its mean shift and factor are part of the graph.

    Raises:
        ValueError: for a scale below 2.
    """
    if scale < 2:
        raise ValueError(f"`scale` must be at least 2: AWSRN enlarges. Received scale={scale}.")
    arguments = locals() | {"kernel_sizes": list(kernel_sizes)}
    del arguments["name"]
    image = image_input(3, "low_resolution")
    offset = [-2 * mean for mean in MEAN_COLOUR]
    normalised = keras.layers.Rescaling(2.0, offset, name="subtract_mean", dtype="float32")(image)
    skip = WeightNormConvolution(3 * scale**2, name="skip")(normalised)
    x = WeightNormConvolution(filters, name="head")(normalised)
    for b in range(blocks):
        x = LocalFusionBlock(units, wide_filters, initial_scale, name=f"block_{b}")(x)
    detail = AdaptiveWeightedMultiScale(3 * scale**2, kernel_sizes, name="reconstruction")(x)
    total = keras.layers.Add(name="add_skip", dtype="float32")([skip, detail])
    enlarged = PixelShuffle(scale, name="shuffle", dtype="float32")(total)
    restored = keras.layers.Rescaling(0.5, MEAN_COLOUR, name="restored", dtype="float32")(enlarged)
    return RestorationModel(
        image, restored, network="awsrn", arguments=arguments, scale=scale, name=name
    )
