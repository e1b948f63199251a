"""MIRNet-v2."""

import keras

from mirnet_keras.layers import (
    ColourAdjustment,
    PixelShuffle,
    PixelUnshuffle,
    RecursiveResidualGroupV2,
    convolution,
)
from mirnet_keras.models.image_input import image_input
from mirnet_keras.models.restoration_model import RestorationModel


def MIRNetV2(
    filters: int = 80,
    channel_factor: float = 1.5,
    blocks: int = 2,
    convolution_groups: tuple[int, ...] = (1, 2, 4, 4),
    in_channels: int = 3,
    out_channels: int = 3,
    image_residual: bool = True,
    use_bias: bool = False,
    reduction: int = 1,
    colour_adjustment: bool = False,
    name: str = "mirnet_v2",
) -> RestorationModel:
    """MIRNet-v2 for denoising, deblurring and enhancement (Zamir et al., TPAMI 2022).

    The defaults are every published model but defocus deblurring: 5,858,560 parameters.

    Args:
        filters: Channels at full resolution.
        channel_factor: Channels of a row over those of the row above.
        blocks: Multi-scale residual blocks in each group.
        convolution_groups: One number for each residual group: into how many groups the
            convolutions of its contextual blocks are split.
        in_channels: Channels of the input; defocus deblurring stacks two views in 6.
        out_channels: Channels of the output.
        image_residual: Whether the network predicts the change of the image. False (defocus
            deblurring) adds the shallow features instead.
        use_bias: Whether the convolutions have biases.
        reduction: The network works on maps so many times smaller, with their pixels as channels.
            Not in the paper: cheaper, and it sees more.
        colour_adjustment: Whether level and colours of the whole image are adjusted first; the
            network sees the image before and after, and predicts the change of the latter. Not in
            the paper; for low light.
        name: Name of the model.

    Returns:
        A model from `(batch, height, width, in_channels)` in 0..1, sides multiples of
        `4 * reduction`, to `(batch, height, width, out_channels)`, not clipped.
    """
    arguments = locals() | {"convolution_groups": list(convolution_groups)}
    del arguments["name"]
    x = image = base = image_input(in_channels, "image")
    if colour_adjustment:
        base = ColourAdjustment(name="colour_adjustment", dtype="float32")(image)
        x = keras.layers.Concatenate(name="before_and_after")([image, base])
    if reduction > 1:
        x = PixelUnshuffle(reduction, name="unshuffle")(x)
    shallow = x = convolution(filters, use_bias=use_bias, name="head")(x)
    for g, groups in enumerate(convolution_groups):
        x = RecursiveResidualGroupV2(blocks, channel_factor, groups, use_bias, name=f"group_{g}")(x)
    if not image_residual:
        x = keras.layers.Add(name="long_skip")([x, shallow])
    restored = convolution(out_channels * reduction**2, use_bias=use_bias, name="tail")(x)
    if reduction > 1:
        restored = PixelShuffle(reduction, name="shuffle")(restored)
    if image_residual:
        restored = keras.layers.Add(name="restored", dtype="float32")([restored, base])
    else:
        restored = keras.layers.Activation("linear", name="restored", dtype="float32")(restored)
    return RestorationModel(
        image,
        restored,
        network="mirnet_v2",
        arguments=arguments,
        multiple=4 * reduction,
        name=name,
    )
