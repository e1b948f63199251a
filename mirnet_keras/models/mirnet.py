"""MIRNet."""

import keras

from mirnet_keras.layers import RecursiveResidualGroup, ScalarPReLU, convolution
from mirnet_keras.models.image_input import image_input
from mirnet_keras.models.restoration_model import RestorationModel


def MIRNet(
    groups: int = 3,
    blocks: int = 2,
    filters: int = 64,
    rows: int = 3,
    columns: int = 2,
    channels: int = 3,
    kernel_size: int = 3,
    use_bias: bool = False,
    share_columns: bool = True,
    name: str = "mirnet",
) -> RestorationModel:
    """MIRNet for denoising and enhancement (Zamir et al., ECCV 2020, Figure 1).

    The defaults are every published model: 31,787,419 parameters.

    Args:
        groups: Recursive residual groups.
        blocks: Multi-scale residual blocks in each group.
        filters: Channels at full resolution, at least 8; each row below has twice as many.
        rows: Parallel resolutions.
        columns: Attention units in each row.
        channels: Channels of the image.
        kernel_size: Of the first and the last convolution.
        use_bias: Biases in the first, the last and each block's last convolution.
        share_columns: The authors' code shares a row's attention unit over the columns; False
            gives each column its own.
        name: Name of the model.

    Returns:
        A model from `(batch, height, width, channels)` in 0..1, sides multiples of
        `2 ** (rows - 1)`, to the same shape, not clipped.
    """
    arguments = dict(locals())
    del arguments["name"]
    image = image_input(channels, "image")
    # Authors' code: one slope serves the attention units of the whole network.
    slope = ScalarPReLU(name="shared_slope")
    x = convolution(filters, kernel_size, use_bias=use_bias, name="head")(image)
    for g in range(groups):
        x = RecursiveResidualGroup(
            blocks, rows, columns, slope, share_columns, use_bias, name=f"group_{g}"
        )(x)
    x = convolution(channels, kernel_size, use_bias=use_bias, name="tail")(x)
    restored = keras.layers.Add(name="restored", dtype="float32")([x, image])
    return RestorationModel(
        image,
        restored,
        network="mirnet",
        arguments=arguments,
        multiple=2 ** (rows - 1),
        name=name,
    )
