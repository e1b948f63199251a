"""Tiles that are given the picture's statistics are parts of the restored picture."""

import keras
import numpy as np
import pytest
from keras import ops

from mirnet_keras import layers
from mirnet_keras.layers.image_statistic import gathered_statistics, given_statistics, pixel_mean

WHOLE = np.array([[0, 1, 0, 1]], np.float32)
LAYERS = {
    "channel_attention": (lambda: layers.ChannelAttention(2), 1),
    "second_order": (lambda: layers.SecondOrderChannelAttention(2), 1),
    "global_context": (lambda: layers.GlobalContext(), 1),
    "fusion": (lambda: layers.SelectiveKernelFusion(), 2),
    "layer_attention": (lambda: layers.LayerAttention(), 3),
}


def test_a_tile_with_the_pictures_statistics_is_a_part_of_the_picture(global_network):
    network = global_network
    image = np.random.default_rng(0).random((1, 160, 32, 3), np.float32)
    image[:, 80:] *= 0.2  # the tile is darker than the picture
    whole = keras.ops.convert_to_numpy(network(image))
    with gathered_statistics(WHOLE, 160 * 32) as found:
        np.testing.assert_allclose(network(image), whole, atol=1e-5)
    scale = network.scale
    with given_statistics([mean for mean, _ in found], 160 * 32):
        tile = keras.ops.convert_to_numpy(network(image[:, 80:]))[:, scale * 48 :]
    expected = whole[:, scale * 128 :]
    np.testing.assert_allclose(tile, expected, atol=1e-4 * np.abs(expected).max())
    alone = keras.ops.convert_to_numpy(network(image[:, 80:]))[:, scale * 48 :]
    assert np.abs(alone - expected).max() > 3 * np.abs(tile - expected).max()


@pytest.fixture(params=LAYERS)
def case(request, let_attention_count):
    """A layer, its input, and its output: its statistics are all that it takes from elsewhere."""
    make, count = LAYERS[request.param]
    keras.utils.set_random_seed(0)
    layer, random = make(), np.random.default_rng(1)
    images = [random.normal(0.3, 1, (1, 12, 8, 8)).astype(np.float32) for _ in range(count)]
    images[0][:, 7:] *= 0.2

    def call(images):
        return keras.ops.convert_to_numpy(layer(images if count > 1 else images[0]))

    call(images)
    let_attention_count(layer)
    return call, images, call(images)


def tiles(images):
    """Two tiles of each, that overlap, and the parts that make up the whole."""
    regions = np.array([[0, 6 / 8, 0, 1], [2 / 8, 1, 0, 1]], np.float32)
    return [np.concatenate([x[:, :8], x[:, 4:]]) for x in images], regions


def test_tiles_taken_at_once_know_the_whole(case):
    call, images, whole = case
    batch, regions = tiles(images)
    with gathered_statistics(regions, 12 * 8):
        np.testing.assert_allclose(call(batch), tiles([whole])[0][0], atol=1e-5)
    assert np.abs(call(batch) - tiles([whole])[0][0]).max() > 1e-3


def test_what_tiles_say_one_by_one_is_the_statistic_of_the_whole(case):
    call, images, whole = case
    batch, regions = tiles(images)
    with gathered_statistics(WHOLE, 12 * 8) as wanted:
        call(images)
    given = [mean for mean, _ in wanted]
    said = []
    for n in (0, 1):
        with gathered_statistics(regions[n : n + 1], 12 * 8, given) as found:
            tile = call([x[n : n + 1] for x in batch])
        np.testing.assert_allclose(tile[0], tiles([whole])[0][0][n], atol=1e-5)
        said.append(found)
    for (mean, weight), *both in zip(wanted, *said, strict=True):
        weights = np.array([w for _, w in both])
        shares = np.exp(weights - weight)
        total = sum(share * m for share, (m, _) in zip(shares, both, strict=True))
        np.testing.assert_allclose(shares.sum(), 1, atol=1e-5)
        np.testing.assert_allclose(total, mean, atol=1e-5)


def test_corrections_are_added_before_layers_are_given_them(case):
    call, images, whole = case
    with gathered_statistics(WHOLE, 12 * 8) as found:
        call(images)
    more = [np.linspace(2, -2, np.size(mean), dtype=np.float32) for mean, _ in found]
    more = [x.reshape(mean.shape) for x, (mean, _) in zip(more, found, strict=True)]
    with gathered_statistics(WHOLE, 12 * 8, corrections=more) as again:
        corrected = call(images)
    np.testing.assert_allclose(again[0][0], found[0][0], atol=1e-5)
    given = [mean + x for x, (mean, _) in zip(more, again, strict=True)]
    with given_statistics(given, 12 * 8):
        np.testing.assert_allclose(call(images), corrected, atol=1e-5)
    assert np.abs(corrected - whole).max() > 1e-3


def test_the_mean_of_bfloat16_images_is_added_up_in_more_digits():
    """In bfloat16 a total ends where one more is below half a step: at 256 ones."""
    mean, weight = pixel_mean(ops.ones((1, 40, 50, 2), "bfloat16"))
    assert keras.backend.standardize_dtype(mean.dtype) == "float32"
    np.testing.assert_allclose(mean, 1, rtol=0.005)
    np.testing.assert_allclose(weight, np.log(2000), rtol=1e-6)
