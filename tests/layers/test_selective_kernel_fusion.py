import numpy as np
import pytest

from mirnet_keras.layers import SelectiveKernelFusion

STREAMS = list(np.random.default_rng(0).random((3, 2, 5, 7, 16), np.float32))


def built(**arguments):
    layer = SelectiveKernelFusion(**arguments)
    layer.build([(None, None, None, 16)] * 3)
    return layer


def test_equal_logits_give_the_mean_of_the_streams():
    layer = built()
    layer.set_weights([0 * w for w in layer.get_weights()])
    np.testing.assert_allclose(layer(STREAMS), np.mean(STREAMS, axis=0), rtol=1e-5)


def test_the_softmax_is_over_the_streams():  # not over the channels, nor over the samples
    layer = built()
    _, weights = layer(STREAMS, return_attention=True)
    assert weights.shape == (2, 3, 16)
    np.testing.assert_allclose(np.sum(weights, axis=1), 1, rtol=1e-6)
    assert not np.allclose(np.sum(weights, axis=2), np.sum(weights, axis=2)[0, 0])


def test_each_stream_has_logits_of_its_own():
    layer = built()
    squeeze, slope, *expand = layer.get_weights()
    assert slope == np.float32(0.25)
    mean = np.mean(sum(STREAMS), axis=(1, 2)) @ np.abs(squeeze)
    # The second stream gets 50 more than the others, whatever the image.
    expand = [0 * w for w in expand]
    expand[1][:] = 50 / mean.sum(axis=1).min()
    layer.set_weights([np.abs(squeeze), slope, *expand])
    outputs, weights = layer(STREAMS, return_attention=True)
    np.testing.assert_allclose(np.asarray(weights)[:, 1], 1, atol=1e-6)
    np.testing.assert_allclose(outputs, STREAMS[1], atol=1e-5)


def test_asking_for_the_weights_does_not_change_the_output():  # C12, C13
    layer = built(slope=0.2)
    outputs, weights = layer(STREAMS, return_attention=True)
    np.testing.assert_array_equal(outputs, layer(STREAMS))
    by_hand = sum(s * np.asarray(weights)[:, i, None, None] for i, s in enumerate(STREAMS))
    np.testing.assert_allclose(outputs, by_hand, rtol=1e-5)


@pytest.mark.parametrize(("channels", "descriptor"), [(8, 4), (32, 4), (48, 6)])
def test_the_descriptor_has_at_least_four_numbers(channels, descriptor):
    layer = SelectiveKernelFusion()
    layer.build([(None, None, None, channels)] * 2)
    assert layer.get_weights()[0].shape == (channels, descriptor)


def test_a_fixed_slope_is_not_trained():
    assert len(built(slope=0.2).weights) == len(built().weights) - 1
