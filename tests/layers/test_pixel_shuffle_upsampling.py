import numpy as np
import pytest

from mirnet_keras.layers import PixelShuffle, PixelShuffleUpsampling
from mirnet_keras.weights.tensors import convolution, shuffled_channels


@pytest.fixture
def golden(golden_units):
    return golden_units("RCAN_unit_blocks")


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_it_is_the_authors(golden, scale):
    layer = PixelShuffleUpsampling(scale)
    layer.build((None, None, None, 4))
    for step, (widen, shuffle) in enumerate(zip(layer.widen, layer.shuffle, strict=True)):
        order = shuffled_channels(4, shuffle.scale)
        golden.fill(convolution(f"up{scale}.{2 * step}", widen, order))
    assert golden.error(layer(golden[f"in/up{scale}"]), f"out/up{scale}") < 2e-6


@pytest.mark.parametrize("scale", [2, 3])
def test_the_shuffle_is_the_authors_after_reordering(golden, scale):
    reordered = golden[f"in/shuffle{scale}"][..., shuffled_channels(2, scale)]
    np.testing.assert_array_equal(PixelShuffle(scale)(reordered), golden[f"out/shuffle{scale}"])


@pytest.mark.parametrize(("scale", "steps"), [(2, 1), (3, 1), (4, 2), (16, 4)])
def test_one_convolution_for_each_factor_of_two(scale, steps):
    layer = PixelShuffleUpsampling(scale)
    layer.build((None, None, None, 1))
    assert len(layer.weights) == 2 * steps


def test_by_hand_with_biases_alone():
    layer = PixelShuffleUpsampling(2)
    layer.build((None, None, None, 1))
    layer.set_weights([np.zeros((3, 3, 1, 4)), np.arange(4)])
    outputs = layer(np.ones((1, 2, 3, 1), np.float32))
    np.testing.assert_array_equal(outputs[0, ..., 0], np.tile([[0, 1], [2, 3]], (2, 3)))


@pytest.mark.parametrize("scale", [-2, 0, 1, 5, 6, 9])
def test_other_scales_are_refused(scale):  # C19
    with pytest.raises(ValueError, match=f"3 or a power of 2. Received scale={scale}"):
        PixelShuffleUpsampling(scale)
