"""The discriminator of Real-ESRGAN."""

import keras

from mirnet_keras.layers import BilinearUpsampling, SpectralNormConvolution, convolution
from mirnet_keras.models.discriminator import Discriminator
from mirnet_keras.models.image_input import image_input

SLOPE = 0.2


def UNetDiscriminator(
    filters: int = 64, skip: bool = True, name: str = "unet_discriminator"
) -> Discriminator:
    """Tells photographs from restored images, at each pixel.

    Real-ESRGAN (Wang et al., ICCV Workshops 2021), "U-Net discriminator with spectral
    normalization", Figure 6; 4,376,897 parameters at 64 filters.

    Args:
        filters: Channels of the full resolution.
        skip: Whether features of the way down are added to those of the way up.
        name: Name of the model.

    Returns:
        A model from `(batch, height, width, 3)` RGB in 0..1, sides multiples of 8, to
        `(batch, height, width, 1)` logits, float32, above 0 where it takes the image for a
        photograph.
    """
    image = image_input(3, "image")
    x = convolution(filters, use_bias=True, name="convolution_0")(image)
    x = _activated(x, 0)
    encoded = []
    for step in (1, 2, 3):
        encoded.append(x)
        x = SpectralNormConvolution(
            2**step * filters, kernel_size=4, strides=2, name=f"convolution_{step}"
        )(x)
        x = _activated(x, step)
    for step in (4, 5, 6):
        x = BilinearUpsampling(name=f"upsampling_{step}")(x)
        x = SpectralNormConvolution(2 ** (6 - step) * filters, name=f"convolution_{step}")(x)
        x = _activated(x, step)
        if skip:
            x = keras.layers.Add(name=f"skip_{step}")([x, encoded.pop()])
    for step in (7, 8):
        x = _activated(SpectralNormConvolution(filters, name=f"convolution_{step}")(x), step)
    return Discriminator(
        image,
        convolution(1, use_bias=True, name="convolution_9", dtype="float32")(x),
        network="unet",
        arguments={"filters": filters, "skip": skip},
        multiple=8,
        name=name,
    )


def _activated(x, step: int):
    return keras.layers.LeakyReLU(SLOPE, name=f"activation_{step}")(x)
