"""How different two images look to a trained network."""

from collections.abc import Callable

import numpy as np
from keras import ops

from mirnet_keras import images
from mirnet_keras.metrics.full_reference import check_pair

EPSILON = 1e-10  # of the length of a feature vector


def feature_distance(reference: np.ndarray, restored: np.ndarray, features: Callable) -> float:
    """Returns the squared distance of two images' unit feature vectors; not LPIPS.

    It is made like LPIPS (Zhang et al., "The Unreasonable Effectiveness of Deep Features as a
    Perceptual Metric", CVPR 2018, section 3.1) but has none of its learned weights, and whatever
    network it is given: its figures compare with those of the same network and layers only, and
    never with published LPIPS. After a ReLU, the channels at each position are brought to length 1;
    the squared differences are summed over the channels, then averaged over the positions, then
    over the layers.

    Args:
        reference: one image (height, width, 3) RGB; uint8, uint16, or float in 0..1.
        restored: the same shape.
        features: a feature network of `mirnet_keras.features`, or any callable from images
            `(batch, height, width, 3)`, float 0..1, to a dict of maps before the activation. LPIPS
            takes the last convolution of each block of VGG16:
            block1_conv2, block2_conv2, block3_conv3, block4_conv3, block5_conv3.

    Returns:
        0 for equal images, at most 2.

    Raises:
        ValueError: when the shapes differ or are no image's, or a value is NaN or infinite.
    """
    reference, restored = np.asarray(reference), np.asarray(restored)
    check_pair(reference, restored, border=0)
    ours, theirs = (features(images.to_float(image)[None]) for image in (restored, reference))
    distances = [
        np.square(_directions(ours[layer]) - _directions(theirs[layer])).sum(axis=-1).mean()
        for layer in theirs
    ]
    return float(np.mean(distances))


def _directions(feature_map) -> np.ndarray:
    """The map after a ReLU, each position's vector of length 1 (or 0)."""
    active = np.maximum(ops.convert_to_numpy(feature_map).astype(np.float64), 0)
    return active / (np.linalg.norm(active, axis=-1, keepdims=True) + EPSILON)
