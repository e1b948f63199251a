"""RCAN, HAN and SAN: scales, sizes, training and variants."""

import keras
import numpy as np
import pytest

from mirnet_keras.losses import Charbonnier
from mirnet_keras.models import HAN, MODELS, RCAN, SAN

SMALL = {"groups": 2, "blocks": 1, "filters": 8, "reduction": 4}
VARIANTS = {
    "rcan": (RCAN, {}),
    "han": (HAN, {}),
    "han, paper": (HAN, {"variant": "paper"}),
    "san": (SAN, {}),
    "san, paper": (SAN, {"variant": "paper"}),
}


@pytest.fixture(scope="module", params=VARIANTS)
def build(request):
    """A function: the small network of a scale, and of other arguments if any."""
    builder, variant = VARIANTS[request.param]
    return lambda scale=2, **kwargs: builder(scale, **(SMALL | variant | kwargs))


def noise(height, width):
    return np.random.default_rng(0).random((1, height, width, 3), np.float32)


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_scales(build, scale):
    model = build(scale)
    assert model.scale == scale
    assert model.output_shape == (None, None, None, 3)
    assert model(noise(5, 7)).shape == (1, 5 * scale, 7 * scale, 3)


@pytest.mark.parametrize("scale", [0, 1, 5, 6, -2])
def test_other_scales_are_refused(build, scale):
    with pytest.raises(ValueError, match=f"`scale` must be 3 or a power of 2. Received .*{scale}"):
        build(scale)


@pytest.mark.parametrize("builder", [HAN, SAN])
def test_other_variants_are_refused(builder):
    with pytest.raises(ValueError, match='`variant` must be "code" or "paper". .*\'papr\''):
        builder(2, **SMALL, variant="papr")


@pytest.mark.parametrize("reduction", [0, 16])
def test_a_reduction_that_leaves_no_channel_is_refused(build, reduction):
    with pytest.raises(ValueError, match="`reduction` must"):
        build(reduction=reduction)


@pytest.mark.parametrize("network", ["rcan", "han", "san"])
def test_odd_sizes_in_a_graph_as_without(networks, network):
    model = networks[network]
    model.run_eagerly = False
    for size in ((5, 7), (4, 9), (17, 6)):
        pictures = np.concatenate([noise(*size), 1 - noise(*size)])
        expected = np.asarray(model(pictures))
        np.testing.assert_allclose(model.predict_on_batch(pictures), expected, atol=1e-5)


def test_each_picture_is_restored_for_itself(build):
    model = build()
    pictures = np.concatenate([noise(9, 8), 1 - noise(9, 8)])
    together = np.asarray(model(pictures))
    apart = np.concatenate([np.asarray(model(picture[None])) for picture in pictures])
    np.testing.assert_allclose(together, apart, atol=1e-5)


@pytest.mark.parametrize("network", ["rcan", "han", "san"])
def test_two_steps_of_fit(networks, network):
    model = MODELS[network](**networks[network].arguments)
    model.set_weights(networks[network].get_weights())
    model.compile(keras.optimizers.SGD(1.0), Charbonnier())  # few operations to compile
    before = [np.array(variable) for variable in model.trainable_variables]
    pictures = np.concatenate([noise(8, 8), 1 - noise(8, 8)])
    targets = pictures.repeat(2, axis=1).repeat(2, axis=2)
    history = model.fit(pictures, targets, batch_size=1, verbose=0)
    assert model.optimizer.iterations == 2
    assert np.isfinite(history.history["loss"]).all()
    same = [
        variable.path
        for variable, old in zip(model.trainable_variables, before, strict=True)
        if np.array_equal(old, variable)
    ]
    assert len(same) < len(before) / 10  # units that happen to be silent
