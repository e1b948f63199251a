"""A network is a Keras model like any other: what Keras changes in it survives every copy."""

import copy
import pickle

import keras
import numpy as np
import pytest

from mirnet_keras.models import MODELS, RestorationModel

IMAGES = np.random.default_rng(0).random((2, 16, 16, 3), np.float32)

every_network = pytest.mark.parametrize("name", MODELS)


def through_file(model, tmp_path):
    model.save(tmp_path / "model.keras")
    return keras.saving.load_model(tmp_path / "model.keras")


def frozen(model):
    return [layer.path for layer in model._flatten_layers() if layer.path and not layer.trainable]


def freeze_some(model):
    """Freeze a layer, and one inside another."""
    outer = next(layer for layer in model.layers if layer.weights)
    outer.trainable = False
    layers = [layer for layer in model._flatten_layers(include_self=False) if layer.weights]
    inner = [x for x in layers if "/" in x.path and not x.path.startswith(outer.path)]
    if inner:
        inner[-1].trainable = False


COPIES = {
    "file": through_file,
    "pickle": lambda model, _: pickle.loads(pickle.dumps(model)),
    "deepcopy": lambda model, _: copy.deepcopy(model),
    "json": lambda model, _: keras.models.model_from_json(model.to_json()),
    "config": lambda model, _: RestorationModel.from_config(model.get_config()),
}


@every_network
def test_paths_name_one_layer_each(networks, name):
    layers = networks[name]._flatten_layers(include_self=False)
    paths = [layer.path for layer in layers if layer.weights]
    assert None not in paths and len(set(paths)) == len(paths)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("mirnet_v2", kind) for kind in COPIES] + [(name, "config") for name in MODELS],
)
def test_frozen_layers_stay_frozen(networks, name, kind, tmp_path):
    model = RestorationModel.from_config(networks[name].get_config())
    freeze_some(model)
    twin = COPIES[kind](model, tmp_path)
    assert frozen(twin) == frozen(model) != []
    assert len(twin.trainable_variables) == len(model.trainable_variables)


def test_a_frozen_model_stays_frozen_inside_another(networks, tmp_path):
    inner = RestorationModel.from_config(networks["rcan"].get_config())
    inner.trainable = False
    image = keras.Input((16, 16, 3))
    outer = keras.Model(image, keras.layers.Conv2D(3, 1)(inner(image)))
    loaded = through_file(outer, tmp_path)
    assert len(loaded.trainable_variables) == 2
    assert not loaded.get_layer(inner.name).trainable
    np.testing.assert_array_equal(loaded(IMAGES), outer(IMAGES))


def test_training_goes_on_after_loading(networks, tmp_path):
    model = RestorationModel.from_config(networks["rcan"].get_config())
    freeze_some(model)
    model.compile(keras.optimizers.Adam(1e-3), "mae")
    targets = np.repeat(np.repeat(IMAGES, 2, 1), 2, 2)
    model.train_on_batch(IMAGES, targets)
    loaded = through_file(model, tmp_path)
    assert int(loaded.optimizer.iterations) == 1
    for variable, kept in zip(model.optimizer.variables, loaded.optimizer.variables, strict=True):
        np.testing.assert_array_equal(kept, variable)
    assert loaded.train_on_batch(IMAGES, targets) == model.train_on_batch(IMAGES, targets)


@every_network
def test_clones_know_what_they_are(networks, name):
    model = networks[name]
    clone = keras.models.clone_model(model)
    assert isinstance(clone, RestorationModel)
    for fact in ("network", "arguments", "scale", "multiple", "smallest"):
        assert getattr(clone, fact) == getattr(model, fact)
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(clone.restore(IMAGES), model.restore(IMAGES))


def test_clones_of_fixed_size_and_other_layers(networks):
    fixed = keras.models.clone_model(networks["rcan"], keras.Input((16, 16, 3)))
    assert fixed.output_shape == (None, 32, 32, 3) and fixed.scale == 2
    named = []

    def with_prefix(layer):
        named.append(layer.name)
        return layer.__class__.from_config(layer.get_config())

    keras.models.clone_model(networks["rcan"], clone_function=with_prefix)
    assert "head" in named


@pytest.mark.parametrize(("name", "mode"), [("rcan", "int4"), ("san", "int8")])
@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method:UserWarning")
def test_quantized_networks_give_the_same_after_loading(networks, name, mode, tmp_path):
    model = RestorationModel.from_config(networks[name].get_config())
    model.set_weights(networks[name].get_weights())
    model.quantize(mode)
    expected = model.predict(IMAGES, verbose=0)
    loaded = through_file(model, tmp_path)
    np.testing.assert_array_equal(loaded.predict(IMAGES, verbose=0), expected)
    assert frozen(loaded) == frozen(model)


def test_low_rank_adapters_are_trained_and_merged_on_saving(networks, tmp_path):
    model = RestorationModel.from_config(networks["rcan"].get_config())
    model.get_layer("head").enable_lora(2)
    model.compile("adam", "mae")
    targets = np.repeat(np.repeat(IMAGES, 2, 1), 2, 2)
    model.train_on_batch(IMAGES, targets)
    loaded = through_file(model, tmp_path)
    np.testing.assert_allclose(loaded(IMAGES), model(IMAGES), atol=1e-6)


def test_files_of_version_0_1_0_load(networks):
    model = networks["awsrn"]
    config = {"network": "awsrn", "arguments": model.arguments, "name": "old"}
    assert RestorationModel.from_config(config).count_params() == model.count_params()
