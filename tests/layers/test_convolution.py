import keras
import numpy as np
import pytest

from mirnet_keras.layers import GroupedConvolution, convolution, dense

IMAGE = np.random.default_rng(0).standard_normal((2, 5, 7, 8)).astype(np.float32)


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_groups_are_separate_convolutions_of_consecutive_channels(groups):
    layer = GroupedConvolution(12, groups, use_bias=True)
    layer.build(IMAGE.shape)
    layer.bias.assign(np.arange(12))
    kernel, bias = layer.get_weights()
    wide, narrow = 8 // groups, 12 // groups
    expected = [
        keras.ops.conv(
            IMAGE[..., g * wide : (g + 1) * wide],
            kernel[..., g * narrow : (g + 1) * narrow],
            padding="same",
        )
        for g in range(groups)
    ]
    expected = np.concatenate([np.asarray(x) for x in expected], axis=-1) + bias
    np.testing.assert_allclose(layer(IMAGE), expected, atol=1e-5)


@pytest.mark.parametrize(("filters", "channels"), [(12, 6), (6, 12)])
def test_widths_that_do_not_divide_are_refused(filters, channels):
    with pytest.raises(ValueError, match=f"groups=4, filters={filters}, channels={channels}"):
        GroupedConvolution(filters, 4).build((None, None, None, channels))


def test_convolutions_start_as_in_pytorch():
    for layer, shape, fan_in in [
        (convolution(64), (None, None, None, 32), 9 * 32),
        (convolution(64, 5), (None, None, None, 16), 25 * 16),
        (dense(64), (None, 256), 256),
        (GroupedConvolution(64, 2), (None, None, None, 64), 9 * 32),
    ]:
        layer.build(shape)
        (kernel,) = layer.get_weights()  # no bias unless asked
        assert np.abs(kernel).max() == pytest.approx(fan_in**-0.5, rel=1e-2)
        assert np.abs(kernel).max() <= fan_in**-0.5
        assert kernel.std() == pytest.approx((3 * fan_in) ** -0.5, rel=5e-2)


def test_the_border_is_zero():
    layer = convolution(1)
    layer.build((None, None, None, 1))
    layer.set_weights([np.ones((3, 3, 1, 1))])
    counts = np.asarray(layer(np.ones((1, 3, 4, 1), np.float32)))[0, ..., 0]
    np.testing.assert_array_equal(counts, [[4, 6, 6, 4], [6, 9, 9, 6], [4, 6, 6, 4]])
