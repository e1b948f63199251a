import keras
import numpy as np
import pytest

from mirnet_keras.layers import ChannelSpatialAttention
from mirnet_keras.layers.channel_spatial_attention import banded_kernel
from mirnet_keras.weights.tensors import convolution_3d, vector

IMAGE = np.random.default_rng(0).standard_normal((2, 5, 7, 4)).astype(np.float32)


def test_output_and_gradients_are_the_authors(golden_units):
    golden = golden_units("HAN_unit_attention")
    layer = ChannelSpatialAttention()
    layer.build((None, None, None, 6))
    table = [*convolution_3d("csa.conv", layer), vector("csa.gamma", layer.gamma)]
    golden.fill(table)
    outputs, gate = layer(golden["in/csam"], return_attention=True)
    assert golden.error(outputs, "out/csam") < 2e-6
    assert golden.error(gate[:, None], "mid/csam_attention") < 2e-6
    errors = golden.gradient_errors(
        layer, golden["in/csam"], golden["in_gy/csam"], golden["grad_in/csam"], table
    )
    assert max(errors.values()) < 2e-3, errors


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_the_banded_kernel_is_a_convolution_in_three_dimensions(channels):
    conv = keras.layers.Conv3D(1, 3, padding="same", use_bias=False)
    images = np.random.default_rng(0).standard_normal((2, 6, 7, channels)).astype(np.float32)
    volumes = images.transpose(0, 3, 1, 2)[..., None]  # batch, channel, height, width, 1
    expected = np.asarray(conv(volumes))[..., 0].transpose(0, 2, 3, 1)
    kernel = banded_kernel(keras.ops.convert_to_tensor(conv.kernel), channels)
    assert kernel.shape == (3, 3, channels, channels)
    found = keras.ops.conv(images, kernel, padding="same")
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_three_planes_by_hand():
    planes = np.zeros((3, 3, 3, 1, 1), np.float32)
    planes[:, 1, 1, 0, 0] = [2, 3, 5]  # channel before, own, behind
    kernel = np.asarray(banded_kernel(planes, 3))
    # Rows are input channels, columns output channels.
    np.testing.assert_array_equal(kernel[1, 1], [[3, 2, 0], [5, 3, 2], [0, 5, 3]])
    assert np.count_nonzero(kernel) == 7


def test_it_starts_as_the_identity():
    np.testing.assert_array_equal(ChannelSpatialAttention()(IMAGE), IMAGE)


def test_gates_of_three_quarters_by_hand():
    layer = ChannelSpatialAttention()
    layer.build(IMAGE.shape)
    layer.set_weights([np.zeros((3, 3, 3, 1, 1)), np.log([3.0]), np.array(-2.0)])
    outputs, gate = layer(IMAGE, return_attention=True)
    np.testing.assert_allclose(gate, np.full_like(IMAGE, 0.75), rtol=1e-6)  # sigmoid(log 3)
    np.testing.assert_allclose(outputs, (1 - 2 * 0.75) * IMAGE, rtol=1e-5)


def test_returned_attention_has_a_gate_for_every_number():  # C12, C13
    layer = ChannelSpatialAttention()
    layer.build(IMAGE.shape)
    layer.gamma.assign(0.7)
    outputs, gate = layer(IMAGE, return_attention=True)
    assert gate.shape == IMAGE.shape
    assert 0 < np.min(gate) < np.max(gate) < 1
    np.testing.assert_allclose(outputs, IMAGE + 0.7 * np.asarray(gate) * IMAGE, atol=1e-6)
