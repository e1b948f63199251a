import numpy as np
import pytest

from mirnet_keras.segmentation import PriorError, check_probabilities

IMAGE = (6, 5, 3)


def uniform(*shape):
    return np.full(shape, 1 / shape[-1], np.float32)


def test_probabilities_pass():
    check_probabilities(uniform(6, 5, 8), IMAGE)
    check_probabilities(uniform(6, 5, 8) * 1.0009, IMAGE)
    check_probabilities(uniform(6, 5, 3), IMAGE, classes=3)


@pytest.mark.parametrize(
    ("maps", "message"),
    [
        (None, "The image has no class map."),
        (uniform(5, 6, 8), "The class maps have 6 x 5 pixels, the image 5 x 6."),
        (uniform(6, 5, 7), r"\(height, width, 8\), the classes last. Received shape \(6, 5, 7\)"),
        (uniform(1, 6, 5, 8), r"Received shape \(1, 6, 5, 8\)"),
        (uniform(6, 5, 8) * np.nan, "finite and not negative"),
        (np.eye(8)[np.zeros((6, 5), int)] * 2 - 1 / 8, "not negative. .* from -0.125 to 1.875"),
        (uniform(6, 5, 8) * 1.002, "must sum to 1 at every pixel. Received sums from 1.002"),
    ],
    ids=["none", "size", "classes", "axes", "nan", "negative", "sums"],
)
def test_each_fault_is_one_sentence(maps, message):
    with pytest.raises(PriorError, match=message):
        check_probabilities(maps, IMAGE)
