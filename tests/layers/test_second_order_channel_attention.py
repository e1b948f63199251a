import keras
import numpy as np
import pytest

from mirnet_keras.layers import SecondOrderChannelAttention
from mirnet_keras.layers.second_order_channel_attention import (
    central_piece,
    channel_covariance,
    square_root,
    square_root_row_mean,
)
from mirnet_keras.weights.tensors import dense

MATRICES = [
    "a_random_8",
    "b_rank_deficient_64",
    "c_scaled_identity_6",
    "d_diagonal_1e-6_to_1",
    "e_rank_one_8",
    "f_tiny_5",
    "g_huge_5",
    "h_two_channels",
]
IMAGE = np.random.default_rng(0).standard_normal((2, 5, 7, 4)).astype(np.float32)


def official(golden, channels, **arguments):
    """The layer with the authors' parameters, and the table of them."""
    layer = SecondOrderChannelAttention(**arguments)
    layer.build((None, None, None, channels))
    table = dense("conv_du.0", layer.squeeze) + dense("conv_du.2", layer.excite)
    golden.fill(table)
    return layer, table


def compiled(function):
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(function)
    import tensorflow as tf

    return tf.function(function)


@pytest.mark.parametrize("case", MATRICES)
def test_square_root_is_the_authors(golden_units, case):
    golden = golden_units("SAN_unit_sqrtm")
    matrices = golden[f"in/{case}"]
    assert golden.error(square_root(matrices), f"out/{case}") < 2e-6
    errors = golden.gradient_errors(
        square_root, matrices, golden[f"in_gy/{case}"], golden[f"grad_in/{case}"]
    )
    assert max(errors.values()) < 2e-3, errors


@pytest.mark.parametrize("case", MATRICES)
def test_row_mean_is_that_of_the_authors_square_root(golden_units, case):
    golden = golden_units("SAN_unit_sqrtm")
    pooled = square_root_row_mean(golden[f"in/{case}"])
    assert golden.error(pooled, f"mid/pooled_{case}") < 2e-6


def test_the_layer_is_the_authors(golden_units):
    golden = golden_units("SAN_unit_soca")
    layer, table = official(golden, 64, reduction=16)
    images = golden["in/x"]
    covariance = channel_covariance(images)
    outputs, gate = layer(images, return_attention=True)
    assert golden.error(covariance, "mid/cov") < 2e-6
    assert golden.error(square_root(covariance), "mid/sqrt") < 2e-6
    # The authors' own rounding is 3.8e-6 here, against float64.
    assert golden.error(square_root_row_mean(covariance), "mid/pooled") < 5e-6
    assert golden.error(gate[:, None, None], "mid/weights") < 2e-6
    assert golden.error(outputs, "out/y") < 2e-6
    errors = golden.gradient_errors(layer, images, golden["in_gy/y"], golden["grad_in/x"], table)
    assert max(errors.values()) < 2e-3, errors


@pytest.mark.parametrize("size", ["2x999", "2x1000", "2x1001", "2x1010", "1000x2", "1013x2"])
def test_statistics_are_of_the_middle_as_the_authors_take_it(golden_units, size):
    golden = golden_units("SAN_unit_crop")
    layer, _ = official(golden, 4, reduction=2)
    _, gate = layer(golden[f"in/{size}"], return_attention=True)
    assert golden.error(gate[:, None, None], f"mid/weights_{size}") < 2e-6


def test_none_takes_the_statistics_of_all_pixels(golden_units):
    golden = golden_units("SAN_unit_crop")
    images = golden["in/2x1010"]
    whole, _ = official(golden, 4, reduction=2, statistics_size=None)
    middle, _ = official(golden, 4, reduction=2)
    gates = [layer(images, return_attention=True)[1] for layer in (whole, middle)]
    assert np.abs(gates[0] - gates[1]).max() == pytest.approx(0.03865, abs=1e-4)  # the authors'


@pytest.mark.parametrize(
    ("length", "kept"), [(1, [0]), (4, [0, 1, 2, 3]), (5, [0, 1, 2, 3]), (7, [1, 2, 3, 4])]
)
def test_each_axis_keeps_its_middle(length, kept):
    ramp = np.arange(length, dtype=np.float32)
    tall = np.broadcast_to(ramp[None, :, None, None], (1, length, 3, 1))
    for image, axis in [(tall, 1), (tall.transpose(0, 2, 1, 3), 2)]:
        piece = np.asarray(central_piece(image, 4))
        assert piece.shape[3 - axis] == 3
        np.testing.assert_array_equal(np.unique(piece), kept)
        assert piece.shape[axis] == len(kept)


def test_the_middle_is_the_same_in_compiled_code():
    piece = compiled(lambda x: central_piece(x, 4))(IMAGE)
    np.testing.assert_array_equal(piece, IMAGE[:, :4, 1:5])


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="JAX knows all sizes")
def test_sizes_known_at_run_time_only():
    import tensorflow as tf

    layer = SecondOrderChannelAttention(2, statistics_size=4)
    layer.build(IMAGE.shape)
    signature = [tf.TensorSpec((None, None, None, 4), "float32")]
    graph = tf.function(lambda x: layer(x, return_attention=True), input_signature=signature)
    for image in (IMAGE[:, :3], IMAGE[:, :4, :4], IMAGE[:, :, :2]):
        expected = layer(image, return_attention=True)
        for ours, theirs in zip(graph(image), expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_covariance_of_two_channels_by_hand():
    first, second = [1, 2, 3, 6], [0, 4, 0, 4]  # means 3 and 2
    image = np.float32([first, second]).T.reshape(1, 2, 2, 2)
    # Divided by the number of pixels, not by one less: (4 + 1 + 0 + 9) / 4 and so on.
    np.testing.assert_allclose(channel_covariance(image)[0], [[3.5, 2], [2, 4]], rtol=1e-6)


def test_covariance_where_the_mean_is_large():
    image = IMAGE + 1000
    expected = np.cov(image.reshape(2, -1, 4)[0].T.astype(np.float64), bias=True)
    np.testing.assert_allclose(channel_covariance(image)[0], expected, atol=1e-5)


def test_square_root_of_one_number_is_exact():
    np.testing.assert_allclose(square_root(np.float32([[[9]]])), [[[3]]], rtol=1e-6)


def test_square_root_is_not_exact_where_five_steps_do_not_reach():
    diagonal = np.float32([1, 1e-6])
    y = z = None
    for a in diagonal / diagonal.sum():
        y, z = a * (3 - a) / 2, (3 - a) / 2
        for _ in range(3):
            y, z = y * (3 - z * y) / 2, z * (3 - z * y) / 2
    last = np.sqrt(diagonal.sum()) * y * (3 - z * y) / 2
    found = np.asarray(square_root(np.diag(diagonal)[None]))[0]
    assert found[0, 0] == pytest.approx(1, abs=1e-4)
    assert found[1, 1] == pytest.approx(last, rel=1e-4)
    assert found[1, 1] < 0.1e-3  # far from 1e-3


def test_constant_features_have_zero_statistics_and_finite_gradients(gradients):
    images = np.ones((1, 4, 5, 4), np.float32) * np.float32([0, 1, -2, 100])
    covariance = channel_covariance(images)
    np.testing.assert_array_equal(square_root(covariance), np.zeros((1, 4, 4)))
    np.testing.assert_array_equal(square_root_row_mean(covariance), np.zeros((1, 4)))
    layer = SecondOrderChannelAttention(2)
    layer.build(images.shape)
    by_input, by_variable = gradients(layer, images, keras.ops.sum)
    assert all(np.isfinite(gradient).all() for gradient in (by_input, *by_variable.values()))
    np.testing.assert_allclose(layer(images), images / 2, rtol=1e-6)  # sigmoid(0) = 1/2


def test_returned_attention_is_the_gate():  # C12, C13
    layer = SecondOrderChannelAttention(2)
    outputs, gate = layer(IMAGE, return_attention=True)
    assert 0 < np.min(gate) <= np.max(gate) < 1
    np.testing.assert_allclose(outputs, IMAGE * np.asarray(gate)[:, None, None], rtol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_large_features_do_not_overflow(policy):  # C14
    layer = SecondOrderChannelAttention(2, dtype=policy)
    assert np.isfinite(layer(1000 * IMAGE)).all()  # 1000 * 1000 is more than float16 can hold


def test_more_reduction_than_channels_is_refused():  # C19
    with pytest.raises(ValueError, match="reduction=16, channels=4.*Lower `reduction`"):
        SecondOrderChannelAttention()(IMAGE)


def test_a_piece_of_no_pixels_is_refused():
    with pytest.raises(ValueError, match="statistics_size=0"):
        SecondOrderChannelAttention(statistics_size=0)
