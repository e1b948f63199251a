import keras
import numpy as np
import pytest
from keras import ops

from mirnet_keras.layers import RegionNonLocal, region_non_local
from mirnet_keras.weights.tensors import convolution

SIZES = [(4, 4), (5, 7), (9, 13), (12, 6)]


@pytest.fixture(params=[1024, 7], ids="blocks of {}".format)
def query_block(request, monkeypatch):
    monkeypatch.setattr(region_non_local, "QUERY_BLOCK", request.param)


def image(height, width, channels=8):
    random = np.random.default_rng(0)
    return random.standard_normal((2, height, width, channels)).astype(np.float32)


def built(channels=8, **arguments):
    """With all weights random, those that start at zero too."""
    layer = RegionNonLocal(**arguments)
    layer.build((None, None, None, channels))
    random = np.random.default_rng(1)
    layer.set_weights([random.standard_normal(w.shape) for w in layer.get_weights()])
    return layer


@pytest.fixture
def golden(golden_units):
    return golden_units("SAN_unit_nonlocal")


@pytest.fixture
def official(golden):
    layer = RegionNonLocal()
    layer.build((None, None, None, 16))
    golden.fill(convolution("non_local.theta", layer.query))
    golden.fill(convolution("non_local.phi.0", layer.key))
    golden.fill(convolution("non_local.g.0", layer.value))
    golden.fill(convolution("non_local.W", layer.project))
    return layer


@pytest.mark.parametrize("size", ["4x4", "12x10", "9x13"])
def test_output_and_gradients_are_the_authors(golden, official, query_block, size):
    images = golden[f"in/{size}"]
    assert golden.error(official(images), f"out/{size}") < 2e-6
    errors = golden.gradient_errors(
        official, images, golden[f"in_gy/{size}"], golden[f"grad_in/{size}"]
    )
    assert max(errors.values()) < 2e-3, errors


@pytest.mark.parametrize("size", ["4x4", "12x10", "9x13"])
def test_attention_over_the_whole_map_is_the_authors(golden, official, query_block, size):
    images = golden[f"in/{size}"]
    key, value = (ops.max_pool(f(images), 2, 2) for f in (official.key, official.value))
    query, key, value = (ops.reshape(x, (1, -1, 2)) for x in (official.query(images), key, value))
    gathered = region_non_local.attention(query, key, value)
    gathered = ops.reshape(gathered, (*images.shape[:3], 2))
    assert golden.error(images + official.project(gathered), f"out_single/{size}") < 2e-6


def test_it_starts_as_the_identity():
    images = image(6, 7)
    np.testing.assert_array_equal(RegionNonLocal()(images), images)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("pooled", [True, False])
def test_blocks_of_queries_change_nothing(monkeypatch, size, pooled):
    layer, images = built(pooled=pooled), image(*size)
    whole = layer(images, return_attention=True)
    monkeypatch.setattr(region_non_local, "QUERY_BLOCK", 5)
    for ours, theirs in zip(layer(images, return_attention=True), whole, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="JAX knows all sizes")
@pytest.mark.parametrize("pooled", [True, False])
def test_sizes_known_at_run_time_only(query_block, pooled):
    import tensorflow as tf

    layer = built(pooled=pooled)
    signature = [tf.TensorSpec((None, None, None, 8), "float32")]
    graph = tf.function(lambda x: layer(x, return_attention=True), input_signature=signature)
    for size in SIZES:
        expected = layer(image(*size), return_attention=True)
        for ours, theirs in zip(graph(image(*size)), expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="JAX knows all sizes")
def test_gradients_with_sizes_known_at_run_time_only(golden, official, query_block):
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 16), "float32")] * 2)
    def gradient(images, upstream):
        with tf.GradientTape() as tape:
            tape.watch(images)
            value = ops.sum(official(images) * upstream)
        return tape.gradient(value, images)

    found = gradient(golden["in/9x13"], golden["in_gy/9x13"])
    assert golden.error(found, "grad_in/9x13") < 2e-3


@pytest.mark.parametrize("pooled", [True, False])
def test_nothing_crosses_the_borders_of_a_quarter(pooled):
    layer, images = built(pooled=pooled), image(9, 7)
    before = np.asarray(layer(images))
    images[:, 4:, 3:] += 1  # the lower right quarter, one larger both ways
    changed = np.any(np.asarray(layer(images)) != before, axis=(0, 3))
    assert changed[4:, 3:].all()
    assert not changed[:4].any()
    assert not changed[:, :3].any()


@pytest.mark.parametrize(("pooled", "found"), [(False, np.min), (True, np.max)])
def test_by_hand_on_one_channel(pooled, found):
    layer = RegionNonLocal(filters=1, pooled=pooled)
    layer.build((None, None, None, 1))
    # Every query is 1, and the key is large where the pixel is dark.
    for part, kernel, bias in [
        (layer.query, 0, 1),
        (layer.key, -1e5, 0),
        (layer.value, 1, 0),
        (layer.project, 1, 0),
    ]:
        part.set_weights([np.full((1, 1, 1, 1), kernel), np.full(1, bias)])
    images = image(4, 4, 1)
    quarters = images.reshape(2, 2, 2, 2, 2, 1)  # batch, y, row, x, column
    # Every pixel gets the darkest of its quarter; pooled, there is one value, the brightest.
    expected = quarters + found(quarters, axis=(2, 4), keepdims=True)
    np.testing.assert_allclose(layer(images), expected.reshape(images.shape), rtol=1e-5)


@pytest.mark.parametrize("pooled", [True, False])
def test_looks_are_one_on_the_average_of_each_region(pooled):  # C12, C13
    layer, images = built(pooled=pooled), image(9, 7)
    outputs, looks = layer(images, return_attention=True)
    np.testing.assert_allclose(outputs, layer(images), atol=1e-6)
    looks = np.asarray(looks)
    assert looks.min() >= 0
    assert looks.max() > 1.2
    upper, left = (2, 1) if pooled else (4, 3)  # of quarters 4 or 5 high, 3 or 4 wide
    assert looks.shape == ((2, 4, 3, 1) if pooled else (2, 9, 7, 1))
    for rows in (slice(upper), slice(upper, None)):
        for columns in (slice(left), slice(left, None)):
            np.testing.assert_allclose(looks[:, rows, columns].mean((1, 2)), 1, rtol=1e-5)


@pytest.mark.parametrize(("pooled", "shape"), [(True, (4, 3)), (False, (9, 7))])
def test_the_shape_of_the_looks_is_known_beforehand(pooled, shape):
    symbols = keras.Input((9, 7, 8)), keras.Input((None, 7, 8))
    for inputs, height in zip(symbols, (shape[0], None), strict=True):
        outputs, looks = RegionNonLocal(pooled=pooled)(inputs, return_attention=True)
        assert outputs.shape == inputs.shape
        assert looks.shape == (None, height, shape[1], 1)


@pytest.mark.parametrize("side", [4, 5, 6, 7])
def test_the_shape_of_the_looks_is_known_for_every_remainder(side):
    layer = built()
    stated = layer(keras.Input((side, side, 8)), return_attention=True)[1]
    assert stated.shape[1:] == layer(image(side, side), return_attention=True)[1].shape[1:]


def test_equal_keys_are_looked_at_equally():
    layer = built()
    layer.key.set_weights([0 * w for w in layer.key.get_weights()])
    looks = layer(image(8, 8), return_attention=True)[1]
    np.testing.assert_allclose(looks, np.ones((2, 4, 4, 1)), rtol=1e-5)


@pytest.mark.parametrize(("channels", "filters"), [(4, 1), (8, 1), (64, 8)])
def test_an_eighth_of_the_channels_unless_told(channels, filters):
    layer = RegionNonLocal()
    layer.build((None, None, None, channels))
    assert layer.query.filters == layer.key.filters == layer.value.filters == filters


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_large_products_do_not_overflow(policy):  # C14
    layer = built(dtype=policy)
    assert np.isfinite(layer(1000 * image(8, 8))).all()


@pytest.mark.parametrize(("pooled", "least"), [(True, 4), (False, 2)])
def test_an_image_without_keys_in_each_quarter_is_refused(pooled, least):
    layer = RegionNonLocal(pooled=pooled)
    assert layer(np.zeros((1, least, least, 8), np.float32)).shape == (1, least, least, 8)
    with pytest.raises(ValueError, match=f"at least {least} rows and columns"):
        layer(np.zeros((1, least - 1, 9, 8), np.float32))
