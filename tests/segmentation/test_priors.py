import sys
import types

import keras
import numpy as np
import pytest
from PIL import Image

from mirnet_keras.imresize import imresize
from mirnet_keras.models import SceneSegmenter
from mirnet_keras.segmentation import PriorError, labels_to_colours, labels_to_probabilities, prior

IMAGE = np.random.default_rng(0).random((5, 7, 3)).astype(np.float32)
LABELS = np.random.default_rng(1).integers(0, 8, (10, 14)).astype(np.uint8)  # at scale 2
MAPS = labels_to_probabilities(LABELS)


def grey_maps(image):
    """Maps of 8 classes that show the image."""
    grey = image.mean(axis=-1, keepdims=True)
    return np.concatenate([grey, np.repeat((1 - grey) / 7, 7, axis=-1)], axis=-1)


def test_background_everywhere():
    maps = prior(None, scale=2)(IMAGE)
    assert (maps.shape, maps.dtype) == ((10, 14, 8), np.float32)
    np.testing.assert_array_equal(maps, labels_to_probabilities(0 * LABELS))


@pytest.mark.parametrize("array", [MAPS, LABELS], ids=["probabilities", "labels"])
def test_an_array(array):
    np.testing.assert_array_equal(prior(array, scale=2)(IMAGE), MAPS)
    with pytest.raises(PriorError, match="The class maps have 14 x 10 pixels, the image 7 x 5"):
        prior(array)(IMAGE)


@pytest.mark.parametrize("kind", ["npy", "npy of labels", "grey", "palette", "colours"])
def test_a_folder(tmp_path, kind):
    path = tmp_path / "scene"
    if kind.startswith("npy"):
        np.save(path.with_suffix(".npy"), LABELS if "labels" in kind else MAPS)
    else:
        picture = Image.fromarray(labels_to_colours(LABELS) if kind == "colours" else LABELS)
        if kind == "palette":
            picture.putpalette(bytes(range(24)))
        picture.save(path.with_suffix(".png"))
    np.testing.assert_array_equal(prior(tmp_path, scale=2)(IMAGE, "low/scene.webp"), MAPS)


def test_what_a_folder_cannot_give(tmp_path):
    with pytest.raises(PriorError, match="'scene.jpg' has no class map: .*neither scene.npy nor"):
        prior(tmp_path)(IMAGE, "scene.jpg")
    with pytest.raises(PriorError, match="give `name`"):
        prior(str(tmp_path))(IMAGE)
    with pytest.raises(PriorError, match="no folder of class maps"):
        prior(tmp_path / "missing")


def test_a_function_sees_the_bicubic_enlargement():
    maps = prior(grey_maps, scale=4)(IMAGE)
    expected = np.clip(imresize(IMAGE, 4), 0, 1).mean(axis=-1)
    np.testing.assert_allclose(maps[..., 0], expected, atol=1e-6)
    stored = (IMAGE * 255).round().astype(np.uint8)
    np.testing.assert_allclose(prior(grey_maps)(stored), grey_maps(IMAGE), atol=2e-3)


def test_a_network_of_150_classes_is_one_of_ade20k():
    sea = np.eye(150, dtype=np.float32)[26]
    maps = prior(lambda image: np.broadcast_to(sea, (*image.shape[:2], 150)))(IMAGE)
    assert (maps.argmax(axis=-1) == 2).all()


def test_a_network_of_sixteenths_takes_any_size():
    maps = prior(SceneSegmenter(), scale=4)(IMAGE)
    assert maps.shape == (20, 28, 8)


def test_a_keras_model_of_another_kind():
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(8, 1, activation="softmax")(inputs))
    assert prior(model)(IMAGE).shape == (5, 7, 8)


def test_scores_are_refused():
    with pytest.raises(PriorError, match="take their softmax"):
        prior(lambda image: np.ones((*image.shape[:2], 8)))(IMAGE)


def test_another_source_is_refused():
    with pytest.raises(PriorError, match="Received int"):
        prior(3)


class HubNetwork:
    """Stands for a network of keras-hub that takes 4 x 6 pixels in 0..255."""

    input_shape = (None, 4, 6, 3)

    def __init__(self, preset):
        self.classes = 21 if "voc" in preset else 150
        self.gives_scores = "scores" in preset

    def predict(self, images, verbose):
        assert images.shape == (1, 4, 6, 3)
        assert 200 < images.max() <= 255
        maps = np.zeros((1, 4, 6, self.classes), np.float32)
        maps[:, :, :3, 2] = maps[:, :, 3:, 9] = 1  # sky on the left, grass on the right
        return 20 * maps - 3 if self.gives_scores else maps


@pytest.fixture
def keras_hub(monkeypatch):
    models = types.SimpleNamespace(ImageSegmenter=types.SimpleNamespace(from_preset=HubNetwork))
    monkeypatch.setitem(sys.modules, "keras_hub", types.SimpleNamespace(models=models))


@pytest.mark.parametrize("preset", ["segformer", "segformer_scores"])
def test_a_preset_of_keras_hub(keras_hub, preset):
    maps = prior(f"hub:{preset}", scale=2)(IMAGE)
    assert maps.shape == (10, 14, 8)
    assert (maps[:, :5, 1] > 0.99).all()
    assert (maps[:, 9:, 3] > 0.99).all()


def test_a_preset_of_other_classes_is_refused(keras_hub):
    with pytest.raises(PriorError, match="'deeplab_voc' gives 21 classes. Take one .* ADE20K"):
        prior("hub:deeplab_voc")(IMAGE)


def test_without_keras_hub(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    with pytest.raises(PriorError, match=r"need keras-hub: pip install '\.\[hub\]'"):
        prior("hub:segformer_b0_ade20k_512")
