"""What the discriminators take and give; the authors' numbers are in tests/weights."""

import keras
import numpy as np
import pytest

from mirnet_keras.models import DISCRIMINATORS, VGGDiscriminator

SHAPES = {  # of the outputs for two images, by the size of these
    "acd": (96, [(2, 1), (2, 8)]),
    "unet": (16, [(2, 16, 16, 1)]),
    "vgg96": (96, [(2, 1)]),
    "vgg128": (128, [(2, 1)]),
    "vgg192": (192, [(2, 1)]),
    "vgg256": (256, [(2, 1)]),
}


def images(size):
    return np.random.default_rng(0).random((2, size, size, 3), np.float32)


def arrays(outputs):
    return [keras.ops.convert_to_numpy(y) for y in keras.tree.flatten(outputs)]


@pytest.mark.parametrize("network", SHAPES)
def test_outputs_and_reloading(network, tmp_path):
    size, shapes = SHAPES[network]
    model = DISCRIMINATORS[network](filters=2)
    assert model.network == network
    logits = arrays(model(images(size)))
    assert [(y.shape, y.dtype) for y in logits] == [(shape, np.float32) for shape in shapes]
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert (type(loaded), loaded.arguments) == (type(model), model.arguments)
    for ours, expected in zip(arrays(loaded(images(size))), logits, strict=True):
        np.testing.assert_array_equal(ours, expected)


def test_no_discriminator_is_left_out():
    assert set(DISCRIMINATORS) == set(SHAPES)


@pytest.mark.parametrize(
    ("network", "size", "message"),
    [
        ("vgg96", 128, r"vgg96, must be 96. Received images of shape \(2, 128, 128, 3\)"),
        ("unet", 20, r"unet, must be a multiple of 8. Received images of shape \(2, 20, 20, 3\)"),
    ],
)
def test_images_of_another_size_are_refused(network, size, message):
    model = DISCRIMINATORS[network](filters=1)
    for call in (model, model.predict_on_batch):
        with pytest.raises(ValueError, match=message):
            call(images(size))


def test_another_image_size_cannot_be_built():
    with pytest.raises(ValueError, match="`image_size` must be one of .* image_size=100"):
        VGGDiscriminator(100)


@pytest.mark.parametrize("network", ["acd", "unet", "vgg96"])
def test_mixed_precision_gives_finite_float32_logits(network):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = DISCRIMINATORS[network](filters=2)
    finally:
        keras.config.set_dtype_policy("float32")
    for constant in (0, 1):
        for logits in arrays(model(0 * images(SHAPES[network][0]) + constant, training=True)):
            assert logits.dtype == np.float32
            assert np.isfinite(logits).all()
