import numpy as np
import pytest

from mirnet_keras.metrics import feature_distance

RED, GREEN = np.zeros((2, 4, 4, 3), np.float32)
RED[..., 0] = GREEN[..., 1] = 1


def same(images):
    return {"image": images}


def test_by_hand():
    assert feature_distance(RED, RED, same) == 0
    assert feature_distance(RED, GREEN, same) == pytest.approx(2)  # at right angles
    yellow = RED + GREEN
    assert feature_distance(RED, yellow, same) == pytest.approx(2 - 2 / np.sqrt(2))
    one_pixel = RED.copy()
    one_pixel[0, 0] = GREEN[0, 0]
    assert feature_distance(RED, one_pixel, same) == pytest.approx(2 / 16)


def test_brightness_does_not_count_and_layers_count_alike():
    def two(images):
        return {"image": images, "constant": 0 * images[:, ::2, ::2] + 5}

    assert feature_distance(RED, RED / 2, same) == pytest.approx(0, abs=1e-12)
    assert feature_distance(RED, GREEN, two) == pytest.approx(1)


def test_maps_pass_a_relu_and_empty_ones_give_no_nan():
    def negative(images):
        return {"negative": images - 3}

    assert feature_distance(RED, GREEN, negative) == 0


def test_8_bit_images_are_brought_to_0_1():
    seen = []

    def look(images):
        seen.append(float(np.max(images)))
        return {"image": images}

    feature_distance((RED * 255).astype(np.uint8), (GREEN * 255).astype(np.uint8), look)
    assert seen == [1.0, 1.0]


def test_images_of_different_sizes_are_refused():
    with pytest.raises(ValueError, match="differ in shape"):
        feature_distance(RED, GREEN[:2], same)
