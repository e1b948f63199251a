"""A network is a Keras model like any other: what Keras changes in it survives every copy."""

import copy
import json
import pickle

import keras
import numpy as np
import pytest

from mirnet_keras.layers.composite import changes_inside
from mirnet_keras.models import DISCRIMINATORS, MODELS, SEGMENTATION_MODELS, RestorationModel
from mirnet_keras.restorer import Restorer

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
    np.testing.assert_allclose(clone.restore(IMAGES), model.restore(IMAGES), atol=1e-6)


def test_clones_of_fixed_size_and_other_layers(networks):
    fixed = keras.models.clone_model(networks["rcan"], keras.Input((16, 16, 3)))
    assert fixed.output_shape == (None, 32, 32, 3) and fixed.scale == 2
    named = []

    def with_prefix(layer):
        named.append(layer.name)
        return layer.__class__.from_config(layer.get_config())

    keras.models.clone_model(networks["rcan"], clone_function=with_prefix)
    assert "head" in named


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "mode"), [(name, "int8") for name in MODELS] + [("rcan", "int4"), ("san", "int4")]
)
@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method:UserWarning")
def test_quantized_networks_give_the_same_after_loading(networks, name, mode, tmp_path):
    model = RestorationModel.from_config(networks[name].get_config())
    model.set_weights(networks[name].get_weights())
    model.quantize(mode)
    loaded = through_file(model, tmp_path)
    np.testing.assert_array_equal(loaded(IMAGES), model(IMAGES))
    assert json.dumps(changes_inside(loaded)) == json.dumps(changes_inside(model))


def test_low_rank_adapters_are_trained_and_merged_on_saving(networks, tmp_path):
    model = RestorationModel.from_config(networks["rcan"].get_config())
    model.get_layer("head").enable_lora(2)
    model.compile("adam", "mae")
    targets = np.repeat(np.repeat(IMAGES, 2, 1), 2, 2)
    model.train_on_batch(IMAGES, targets)
    loaded = through_file(model, tmp_path)
    np.testing.assert_allclose(loaded(IMAGES), model(IMAGES), atol=1e-6)


def test_clones_keep_what_is_frozen_inside(networks):
    model = RestorationModel.from_config(networks["mirnet_v2"].get_config())
    freeze_some(model)
    assert frozen(keras.models.clone_model(model)) == frozen(model)


def test_restorer_takes_a_clone(networks):
    clone = keras.models.clone_model(networks["rcan"])
    assert Restorer(clone)(np.full((16, 16, 3), 90, "uint8")).shape == (32, 32, 3)


def with_gelu(layer):
    config = layer.get_config()
    if "activation" in config and layer.name == "body_last":
        config["activation"] = "gelu"
    return type(layer).from_config(config)


@pytest.mark.parametrize(
    "clone",
    [
        lambda model: keras.models.clone_model(model, clone_function=with_gelu),
        lambda model: keras.models.clone_model(model, keras.Input((16, 16, 3))),
        lambda model: keras.models.clone_model(model),
    ],
    ids=["other layers", "fixed size", "same"],
)
def test_clones_come_back_as_they_are(networks, clone, tmp_path):
    twin = clone(networks["rcan"])
    twin.set_weights(networks["rcan"].get_weights())
    loaded = through_file(twin, tmp_path)
    assert type(loaded) is RestorationModel and loaded.scale == 2
    assert loaded.input_shape == twin.input_shape
    np.testing.assert_array_equal(loaded(IMAGES), twin(IMAGES))


def test_the_precision_of_one_layer_is_kept(networks, tmp_path):
    model = RestorationModel.from_config(networks["rcan"].get_config())
    model.get_layer("head").dtype_policy = "mixed_bfloat16"
    loaded = through_file(model, tmp_path)
    assert loaded.get_layer("head").dtype_policy.name == "mixed_bfloat16"
    np.testing.assert_array_equal(loaded(IMAGES), model(IMAGES))


def test_a_frozen_model_takes_the_precision_of_the_policy_at_loading(networks, tmp_path):
    model = RestorationModel.from_config(networks["rcan"].get_config())
    freeze_some(model)
    model.save(tmp_path / "model.keras")
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        loaded = keras.saving.load_model(tmp_path / "model.keras")
    finally:
        keras.config.set_dtype_policy("float32")
    assert loaded.get_layer("head").compute_dtype == "bfloat16"
    assert frozen(loaded) == frozen(model)


def test_outputs_of_single_layers_make_a_model_that_loads(networks, tmp_path):
    model = RestorationModel.from_config(networks["rcan"].get_config())
    freeze_some(model)
    parts = keras.Model(model.input, [model.get_layer("group_0").output, model.output])
    loaded = through_file(parts, tmp_path)
    assert changes_inside(loaded) == changes_inside(parts)
    for ours, expected in zip(loaded(IMAGES), parts(IMAGES), strict=True):
        np.testing.assert_array_equal(ours, expected)


def test_an_output_of_a_single_layer_is_no_network(networks):
    model = networks["rcan"]
    with pytest.raises(ValueError, match="must be that of a whole network .* layer 'head'"):
        RestorationModel(model.input, model.get_layer("head").output)


def test_renamed_networks_keep_their_names(networks, tmp_path):
    model = RestorationModel.from_config(networks["rcan"].get_config() | {"name": "mine"})
    model.get_layer("head").trainable = False
    loaded = through_file(model, tmp_path)
    assert loaded.name == "mine" and frozen(loaded) == ["head"]


def test_a_thawed_shift_stays_trainable(networks, tmp_path):
    model = RestorationModel.from_config(networks["han"].get_config())
    model.get_layer("subtract_mean").trainable = True
    loaded = through_file(model, tmp_path)
    assert len(loaded.trainable_variables) == len(model.trainable_variables)


class Trainer(keras.Model):
    """A model of somebody's own that builds a network late, under a scope of its own."""

    def build(self, input_shape):
        self.network = MODELS["rcan"](scale=2, groups=1, blocks=1, filters=8, reduction=4)

    def call(self, inputs):
        return self.network(inputs)


def test_a_network_inside_somebodys_own_model_keeps_what_is_frozen():
    trainer = Trainer()
    trainer(IMAGES)
    freeze_some(trainer.network)
    twin = RestorationModel.from_config(trainer.network.get_config())
    assert changes_inside(twin) == changes_inside(trainer.network) != {}


OTHERS = {
    "outdoor_scene_seg": lambda: SEGMENTATION_MODELS["outdoor_scene_seg"](
        stem=(4, 4, 8), blocks=(1, 1, 1, 1), widths=(4, 4, 8, 8), hidden=8
    ),
    "scene_segmenter": lambda: SEGMENTATION_MODELS["scene_segmenter"](),
    "sft_net": lambda: SEGMENTATION_MODELS["sft_net"](blocks=1, filters=8),
    "acd": lambda: DISCRIMINATORS["acd"](filters=2),
    "unet": lambda: DISCRIMINATORS["unet"](filters=4),
    "vgg96": lambda: DISCRIMINATORS["vgg96"](filters=2),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method:UserWarning")
def test_segmenters_and_discriminators_keep_their_changes(name, tmp_path):
    model = OTHERS[name]()
    freeze_some(model)
    model.quantize("int8")
    loaded, clone = through_file(model, tmp_path), keras.models.clone_model(model)
    for twin in (loaded, clone):
        assert type(twin) is type(model)
        assert (twin.network, twin.arguments) == (model.network, model.arguments)
        assert json.dumps(changes_inside(twin)) == json.dumps(changes_inside(model)) != "{}"
    for ours, expected in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, expected)


@pytest.mark.slow
@every_network
def test_compile_settings_and_optimizer_come_back(networks, name, tmp_path):
    model = RestorationModel.from_config(networks[name].get_config())
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mae", ["mse"], jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    for variable in model.optimizer.variables[2:]:
        variable.assign(keras.ops.ones_like(variable))
    loaded = through_file(model, tmp_path)
    assert loaded.get_compile_config() == model.get_compile_config()
    for variable, kept in zip(model.optimizer.variables, loaded.optimizer.variables, strict=True):
        np.testing.assert_array_equal(kept, variable)


def test_weights_alone_go_into_a_frozen_network(networks, tmp_path):
    model = networks["rcan"]
    model.save_weights(tmp_path / "model.weights.h5")
    other = RestorationModel.from_config(model.get_config())
    other.get_layer("head").trainable = False
    other.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(other(IMAGES), model(IMAGES))
    assert frozen(other) == ["head"]


def test_legacy_files_are_refused(networks, tmp_path):
    with pytest.raises(ValueError, match=r"legacy HDF5 files. Received '.*model.h5'. Save .*keras"):
        networks["rcan"].save(tmp_path / "model.h5")
    assert not list(tmp_path.iterdir())


def test_files_of_version_0_1_0_load(networks):
    model = networks["awsrn"]
    config = {"network": "awsrn", "arguments": model.arguments, "name": "old"}
    assert RestorationModel.from_config(config).count_params() == model.count_params()
