import numpy as np
import pytest

from mirnet_keras import segmentation
from mirnet_keras.segmentation import CLASSES, PriorError

LABELS = np.array([[0, 1, 2], [3, 4, 5], [6, 7, segmentation.VOID]], np.uint8)


def test_names_order_and_colours():
    listed = [
        ("background", (153, 153, 153)),
        ("sky", (0, 255, 255)),
        ("water", (109, 158, 235)),
        ("grass", (183, 225, 205)),
        ("mountain", (153, 0, 255)),
        ("building", (17, 85, 204)),
        ("plant", (106, 168, 79)),
        ("animal", (224, 102, 102)),
    ]
    assert list(CLASSES) == [name for name, _ in listed]
    assert dict(listed) == segmentation.COLOURS
    assert (segmentation.VOID, segmentation.VOID_COLOUR) == (255, (255, 255, 255))


def test_labels_of_whole_images_are_others():
    wanted = ["background", "building", "plant", "mountain", "water", "sky", "grass", "animal"]
    assert {name: label for label, name in enumerate(wanted)} == segmentation.IMAGE_LABELS


def test_labels_to_colours_and_back_is_the_identity():
    drawn = segmentation.labels_to_colours(LABELS)
    assert drawn.dtype == np.uint8
    assert [tuple(drawn[0, 2]), tuple(drawn[2, 2])] == [(109, 158, 235), (255, 255, 255)]
    np.testing.assert_array_equal(segmentation.colours_to_labels(drawn), LABELS)


def test_labels_become_one_hot_and_void_background():
    maps = segmentation.labels_to_probabilities(LABELS)
    np.testing.assert_array_equal(maps.argmax(axis=-1), np.where(LABELS == 255, 0, LABELS))
    np.testing.assert_array_equal(maps.sum(axis=-1), np.ones((3, 3)))


def test_unknown_colours_and_labels_are_refused():
    with pytest.raises(PriorError, match=r"colour \(1, 2, 3\), which stands for no class"):
        segmentation.colours_to_labels(np.full((2, 2, 3), (1, 2, 3), np.uint8))
    with pytest.raises(PriorError, match="0 to 7, or 255 for void. Received 8"):
        segmentation.labels_to_colours(np.full((2, 2), 8))
    with pytest.raises(PriorError, match="integers. Received float64"):
        segmentation.labels_to_probabilities(np.zeros((2, 2)))


def test_the_classes_of_ade20k():
    members = segmentation.ADE20K_MEMBERS
    indices = {name: sorted(known.values()) for name, known in members.items()}
    assert indices == {
        "sky": [2],
        "water": [21, 26, 60, 104, 109, 113, 128],
        "grass": [9, 29],
        "mountain": [16, 34, 68],
        "building": [1, 25, 48, 61, 79, 84],
        "plant": [4, 17, 66, 72],
        "animal": [126],
    }
    assert members["water"]["lake"] == 128


def test_probabilities_of_ade20k_are_summed():
    random = np.random.default_rng(0).random((3, 4, 150))
    probabilities = random / random.sum(axis=-1, keepdims=True)
    maps = segmentation.ade20k_to_outdoor(probabilities)
    assert (maps.shape, maps.dtype) == ((3, 4, 8), np.float32)
    np.testing.assert_allclose(maps.sum(axis=-1), np.ones((3, 4)), rtol=1e-5)
    np.testing.assert_allclose(maps[..., 3], probabilities[..., [9, 29]].sum(axis=-1), rtol=1e-5)
    wall = np.eye(150)[0]
    np.testing.assert_array_equal(segmentation.ade20k_to_outdoor(wall), np.eye(8)[0])
    with pytest.raises(PriorError, match=r"150 classes.*Received shape \(2, 21\)"):
        segmentation.ade20k_to_outdoor(np.zeros((2, 21)))
