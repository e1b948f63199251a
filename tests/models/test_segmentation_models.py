"""The networks that give or take class probabilities."""

import json

import keras
import numpy as np
import pytest

from mirnet_keras.models import (
    SEGMENTATION_MODELS,
    OutdoorSceneSeg,
    RestorationModel,
    SceneSegmenter,
    SFT_Net,
)

NARROW = {"stem": (2, 2, 3), "blocks": (1, 1, 1, 1), "widths": (1, 2, 2, 3), "hidden": 4}
BUILDERS = {
    "outdoor_scene_seg": lambda: OutdoorSceneSeg(**NARROW),
    "scene_segmenter": SceneSegmenter,
    "sft_net": lambda: SFT_Net("torch", blocks=1, filters=8),
}
every_network = pytest.mark.parametrize("name", BUILDERS)


@pytest.fixture(scope="module")
def segmentation_networks():
    keras.utils.set_random_seed(0)
    return {name: build() for name, build in BUILDERS.items()}


def noise(*shape):
    return np.random.default_rng(0).random(shape, np.float32)


def inputs(model, height, width):
    """What the model takes, for a small image."""
    image = noise(2, height, width, 3)
    if len(model.inputs) == 1:
        return image
    probabilities = noise(2, model.scale * height, model.scale * width, 8)
    return [image, probabilities / probabilities.sum(axis=-1, keepdims=True)]


def test_every_network_is_tested_here():
    assert BUILDERS.keys() == SEGMENTATION_MODELS.keys()


@every_network
def test_saved_and_loaded(segmentation_networks, tmp_path, name):
    model = segmentation_networks[name]
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded) is RestorationModel
    for attribute in ("network", "arguments", "scale", "multiple", "smallest", "name"):
        assert getattr(loaded, attribute) == getattr(model, attribute)
    assert json.loads(json.dumps(loaded.arguments)) == loaded.arguments
    example = inputs(model, 16, 32)
    np.testing.assert_array_equal(np.asarray(loaded(example)), np.asarray(model(example)))


@every_network
def test_mixed_precision_gives_the_same_in_float32(segmentation_networks, name):
    model = segmentation_networks[name]
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        mixed = SEGMENTATION_MODELS[name](**model.arguments)
    finally:
        keras.config.set_dtype_policy("float32")
    mixed.set_weights(model.get_weights())
    example = inputs(model, 16, 16)
    outputs = mixed(example)
    assert keras.backend.standardize_dtype(outputs.dtype) == "float32"
    np.testing.assert_allclose(outputs, model(example), atol=0.05)


@pytest.mark.parametrize("name", ["outdoor_scene_seg", "scene_segmenter"])
def test_segmenters_give_probabilities_at_every_pixel(segmentation_networks, name):
    model = segmentation_networks[name]
    model.run_eagerly = True  # no tracing for each size
    for height, width in [(1, 1), (17, 40)]:
        maps = model.restore(noise(height, width, 3))
        assert maps.shape == (height, width, 8)
        np.testing.assert_allclose(maps.sum(axis=-1), 1, atol=1e-5)
    assert maps.std(axis=(0, 1)).min() > 1e-4  # no class is the same everywhere


def test_the_small_segmenter_is_small():
    model = SceneSegmenter(classes=4)
    assert model.output_shape[-1] == 4
    assert SceneSegmenter().count_params() < 400_000


def test_a_training_step_changes_every_variable_of_the_small_segmenter():
    keras.utils.set_random_seed(0)
    model = SceneSegmenter()
    before = [np.array(variable) for variable in model.trainable_variables]
    loss = keras.losses.SparseCategoricalCrossentropy(ignore_class=255)
    # JAX compiles one step sooner than each of its operations.
    model.compile(
        keras.optimizers.SGD(1.0), loss, run_eagerly=keras.backend.backend() == "tensorflow"
    )
    labels = np.random.default_rng(0).integers(0, 8, (2, 32, 48))
    labels[:, :4] = 255
    model.train_on_batch(noise(2, 32, 48, 3), labels)
    pairs = zip(before, model.trainable_variables, strict=True)
    assert not [new.path for old, new in pairs if np.array_equal(old, new)]


def test_sft_net_enlarges_any_size_by_four(segmentation_networks):
    model = segmentation_networks["sft_net"]
    assert (model.scale, model.multiple) == (4, 1)
    assert [tensor.name for tensor in model.inputs] == ["image", "probabilities"]
    assert model(inputs(model, 5, 7)).shape == (2, 20, 28, 3)


def test_the_probabilities_change_what_sft_net_restores(segmentation_networks):
    model = segmentation_networks["sft_net"]
    image, maps = inputs(model, 6, 6)
    rotated = np.roll(maps, 3, axis=-1)
    assert np.abs(np.asarray(model([image, maps])) - model([image, rotated])).max() > 1e-5
