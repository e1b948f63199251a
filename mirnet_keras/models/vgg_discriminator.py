"""The discriminator of ESRGAN."""

import keras

from mirnet_keras.layers import UnbiasedBatchNormalization, convolution, dense
from mirnet_keras.models.discriminator import Discriminator
from mirnet_keras.models.image_input import image_input

# Image size -> how often it is halved, to 3 x 3 or 4 x 4.
HALVINGS = {96: 5, 128: 5, 192: 6, 256: 6}
WIDTHS = (1, 2, 4, 8, 8, 8)  # channels between two halvings, in units of `filters`


def VGGDiscriminator(
    image_size: int = 96,
    filters: int = 64,
    bias_before_norm: bool | None = None,
    name: str = "vgg_discriminator",
) -> Discriminator:
    """Tells photographs from restored images of one size, one logit for each.

    ESRGAN (Wang et al., ECCV Workshops 2018), authors' code; parameters at 64 filters:

    | `image_size` | without bias before norm | with it |
    | --- | --- | --- |
    | 96 | | 14,143,881 |
    | 128 | 14,499,401 | 14,502,281 |
    | 192 | | 20,700,553 |
    | 256 | 21,055,049 | |

    Args:
        image_size: Height and width of the images: 96, 128, 192 or 256.
        filters: Channels before the first halving.
        bias_before_norm: Whether convolutions in front of a batch normalisation have a bias. None
            is as published: with it for 96 and 192, without it for 128 and 256.
        name: Name of the model.

    Returns:
        A model from `(batch, image_size, image_size, 3)` RGB in 0..1 to `(batch, 1)` logits,
        float32, above 0 where it takes the image for a photograph.

    Raises:
        ValueError: for another `image_size`.
    """
    if image_size not in HALVINGS:
        raise ValueError(
            f"`image_size` must be one of {list(HALVINGS)}. Received: image_size={image_size}. "
            "Crop the images to one of these sizes."
        )
    if bias_before_norm is None:
        bias_before_norm = image_size in (96, 192)
    image = image_input(3, "image", size=image_size)
    x = halved_features(image, HALVINGS[image_size], filters, bias_before_norm, slope=0.2)
    x = keras.layers.Flatten(name="flatten")(x)
    return Discriminator(
        image,
        judgement(x, 1, slope=0.2),
        network=f"vgg{image_size}",
        arguments={
            "image_size": image_size,
            "filters": filters,
            "bias_before_norm": bias_before_norm,
        },
        image_size=image_size,
        name=name,
    )


def halved_features(image, halvings: int, filters: int, bias_before_norm: bool, slope: float):
    """Convolutions that halve the size: `(batch, size / 2**halvings, ..., WIDTHS * filters)`.

    Args:
        image: `(batch, size, size, 3)`.
        halvings: At most 6.
        filters: Channels before the first one.
        bias_before_norm: As in `VGGDiscriminator`.
        slope: Of the leaky ReLUs.
    """
    x = convolution(filters, use_bias=True, name="convolution_0_0")(image)
    x = keras.layers.LeakyReLU(slope, name="activation_0_0")(x)
    for step, width in enumerate(WIDTHS[:halvings]):
        if step:
            x = convolution(
                width * filters, use_bias=bias_before_norm, name=f"convolution_{step}_0"
            )(x)
            x = _normalised(x, slope, f"{step}_0")
        x = keras.layers.ZeroPadding2D(1, name=f"padding_{step}")(x)
        x = convolution(
            width * filters,
            kernel_size=4,
            strides=2,
            padding="valid",
            use_bias=bias_before_norm,
            name=f"convolution_{step}_1",
        )(x)
        x = _normalised(x, slope, f"{step}_1")
    return x


def judgement(features, units: int, slope: float, name: str = ""):
    """Two dense layers on `(batch, features)`: `(batch, units)` logits, float32.

    Args:
        features: Keras tensor.
        units: Logits.
        slope: Of the leaky ReLU between them.
        name: What the layers' names begin with.
    """
    x = dense(100, use_bias=True, name=f"{name}hidden")(features)
    x = keras.layers.LeakyReLU(slope, name=f"{name}activation")(x)
    return dense(units, use_bias=True, name=f"{name}logits", dtype="float32")(x)


def _normalised(x, slope: float, place: str):
    x = UnbiasedBatchNormalization(name=f"norm_{place}")(x)
    return keras.layers.LeakyReLU(slope, name=f"activation_{place}")(x)
