import h5py
import keras
import numpy as np
import pytest
from keras import ops

from mirnet_keras.losses import PerceptualLoss


def features(images):
    """A feature network to work out by hand: the image, and twice its red channel."""
    return {"image": images, "red": 2 * images[..., :1]}


def test_by_hand():
    truth = np.zeros((2, 2, 2, 3), np.float32)
    restored = truth.copy()
    restored[0, 0, 0] = [0.4, -0.2, 0.0]
    # the image's mean over 12 values, and red's, doubled, over 4
    first = 0.6 / 12 + 0.8 / 4
    assert float(PerceptualLoss(features)(truth, restored)) == pytest.approx(first / 2, rel=1e-6)
    losses = PerceptualLoss(features, {"red": 0.5}, reduction=None)(truth, restored)
    np.testing.assert_allclose(losses, [0.1, 0.0], rtol=1e-6)


def test_features_in_half_precision_are_compared_in_float32():
    loss = PerceptualLoss(lambda images: {"half": ops.cast(images, "bfloat16")})
    value = loss(np.full((1, 1, 257, 1), 1.0), np.full((1, 1, 257, 1), 0.75))
    assert keras.backend.standardize_dtype(value.dtype) == "float32"
    assert float(value) == 0.25


def test_a_weight_without_a_layer_is_named():
    with pytest.raises(ValueError, match=r"\['green'\].*\['image', 'red'\]"):
        PerceptualLoss(features, {"green": 1.0})(np.zeros((1, 2, 2, 3)), np.zeros((1, 2, 2, 3)))


def test_training_lowers_it_and_leaves_the_feature_network_alone(tmp_path):
    keras.utils.set_random_seed(0)
    image = keras.Input((None, None, 3))
    network = keras.Model(
        image, {"a": keras.layers.Conv2D(4, 3, trainable=False, name="features")(image)}
    )
    before = network.get_weights()
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(3, 1, name="own")])
    model.compile(keras.optimizers.Adam(0.02), PerceptualLoss(network))
    images = np.random.default_rng(0).random((4, 8, 8, 3), np.float32)
    losses = model.fit(images, images, epochs=15, verbose=0).history["loss"]
    assert losses[-1] < 0.8 * losses[0]
    for old, new in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)

    # A file without the feature network: it must not come back with random weights unnoticed.
    path = tmp_path / "model.keras"
    model.save(path)
    with pytest.raises(ValueError, match="compile=False"):
        keras.saving.load_model(path)
    restored = keras.saving.load_model(path, compile=False)
    np.testing.assert_array_equal(restored.get_weights()[0], model.get_weights()[0])
    model.save_weights(tmp_path / "own.weights.h5")
    shapes = []
    with h5py.File(tmp_path / "own.weights.h5") as file:
        file.visititems(lambda _, item: shapes.append(getattr(item, "shape", None)))
    assert (1, 1, 3, 3) in shapes
    assert (3, 3, 3, 4) not in shapes
