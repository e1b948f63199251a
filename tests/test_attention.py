import numpy as np
import pytest

from mirnet_keras import models
from mirnet_keras.attention import attention_maps, draw_attention

IMAGE = np.random.default_rng(0).random((18, 22, 3), np.float32)


@pytest.fixture(scope="module")
def san():
    return models.SAN(groups=2, blocks=1, filters=8, reduction=4)


def test_every_unit_of_every_network_has_its_map(san):
    maps = attention_maps(san, IMAGE)
    assert {name: values.shape for name, values in maps.items()} == {
        "non_local": (8, 10, 1),  # quarters of 9 x 11, keys halved and rounded down in each
        "group_0/attention": (8,),
        "group_1/attention": (8,),
        "non_local@2": (8, 10, 1),
    }
    han = models.HAN(groups=2, blocks=1, filters=8, reduction=4)
    assert {name: values.shape for name, values in attention_maps(han, IMAGE).items()} == {
        "group_0/block_0/channel": (8,),
        "group_1/block_0/channel": (8,),
        "layer_attention": (3, 3),
        "channel_spatial_attention": (18, 22, 8),
    }
    awsrn = models.AWSRN(blocks=1, units=1, filters=4, wide_filters=8)
    np.testing.assert_allclose(attention_maps(awsrn, IMAGE)["reconstruction"], [0.25] * 4)


def test_a_unit_made_of_units_shows_its_parts():
    mirnet = models.MIRNet(groups=1, blocks=1, filters=8, rows=2, columns=1)
    names = attention_maps(mirnet, IMAGE).keys()
    unit = "group_0/block_0/unit_0_0"
    assert {f"{unit}/spatial", f"{unit}/channel"} <= names
    assert unit not in names


def test_maps_are_those_that_the_unit_returns(san):
    gate = attention_maps(san, IMAGE)["group_0/attention"]
    features = san.get_layer("non_local")(san.get_layer("head")(_shifted(san)))
    for block in san.get_layer("group_0").blocks:
        features = block(features)
    _, expected = san.get_layer("group_0").attention(features, return_attention=True)
    np.testing.assert_allclose(gate, expected[0], rtol=1e-5)


def _shifted(model):
    return model.get_layer("subtract_mean")(IMAGE[None])


def test_the_model_stays_as_it_is(san):
    before = san.predict_on_batch(IMAGE[None])
    attention_maps(san, IMAGE)
    unit = san.get_layer("group_0").attention
    assert "call" not in vars(unit)
    np.testing.assert_array_equal(san.predict_on_batch(IMAGE[None]), before)


def test_the_model_stays_as_it_is_after_an_error(san, monkeypatch):
    monkeypatch.setattr(san.get_layer("tail"), "call", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        attention_maps(san, IMAGE)
    assert "call" not in vars(san.get_layer("non_local"))


def test_eight_bits_are_read_like_floats(san):
    pixels = np.round(IMAGE * 255).astype(np.uint8)
    maps = attention_maps(san, pixels)
    for name, values in attention_maps(san, pixels.astype(np.float32) / 255).items():
        np.testing.assert_allclose(maps[name], values, rtol=1e-4)


def test_a_figure_has_the_picture_and_a_panel_for_each_kind(san):
    figure = draw_attention(attention_maps(san, IMAGE), IMAGE)
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert titles == ["picture", "attention: units x 8 channels", "non_local", "non_local@2"]
