"""The discriminator of SFTGAN."""

import keras

from mirnet_keras.models.discriminator import Discriminator
from mirnet_keras.models.image_input import image_input
from mirnet_keras.models.vgg_discriminator import halved_features, judgement

IMAGE_SIZE = 96
CLASSES = 8
SLOPE = 0.1


def ClassifierDiscriminator(
    filters: int = 64, name: str = "classifier_discriminator"
) -> Discriminator:
    """Tells photographs from restored images of 96 x 96, and what they show.

    SFTGAN (Wang et al., CVPR 2018), authors' code; 10,813,717 parameters at 64 filters. The
    classes are numbered as in their training, not as the segmentation maps are: 0 other,
    1 building, 2 plant, 3 mountain, 4 water, 5 sky, 6 grass, 7 animal.

    Args:
        filters: Channels before the first halving.
        name: Name of the model.

    Returns:
        A model from `(batch, 96, 96, 3)` RGB in 0..1 to a list of `(batch, 1)` logits, above 0
        where it takes the image for a photograph, and `(batch, 8)` logits of the classes; float32.
    """
    image = image_input(3, "image", size=IMAGE_SIZE)
    x = halved_features(image, 4, filters, bias_before_norm=True, slope=SLOPE)
    x = keras.layers.Flatten(name="flatten")(x)
    return Discriminator(
        image,
        [judgement(x, 1, SLOPE, "real_"), judgement(x, CLASSES, SLOPE, "class_")],
        network="acd",
        arguments={"filters": filters},
        image_size=IMAGE_SIZE,
        name=name,
    )
