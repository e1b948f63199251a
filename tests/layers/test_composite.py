"""What Keras changes in the layers inside our layers survives in models of anybody's making."""

import copy
import pickle

import keras
import numpy as np
import pytest

from mirnet_keras.layers import ResidualGroup
from mirnet_keras.layers.composite import change_inside, changes_inside, layers_inside

IMAGES = np.random.default_rng(0).random((1, 8, 8, 8), np.float32)


def own_model(**options):
    image = keras.Input((8, 8, 8))
    return keras.Model(image, ResidualGroup(blocks=1, reduction=2, name="group", **options)(image))


def through_file(model, tmp_path):
    model.save(tmp_path / "model.keras")
    return keras.saving.load_model(tmp_path / "model.keras")


COPIES = {
    "file": through_file,
    "pickle": lambda model, _: pickle.loads(pickle.dumps(model)),
    "deepcopy": lambda model, _: copy.deepcopy(model),
    "json": lambda model, _: keras.models.model_from_json(model.to_json()),
    "clone": lambda model, _: keras.models.clone_model(model),
}


@pytest.mark.parametrize("kind", COPIES)
def test_a_frozen_layer_inside_stays_frozen(kind, tmp_path):
    model = own_model()
    model.get_layer("group").blocks[0].first.trainable = False
    twin = COPIES[kind](model, tmp_path)
    assert changes_inside(twin) == {"group/block_0/first": {"frozen": True}}
    paths = [variable.path for variable in model.trainable_variables]
    assert [variable.path for variable in twin.trainable_variables] == paths
    again = COPIES[kind](twin, tmp_path)
    assert changes_inside(again) == changes_inside(model)


def test_a_layer_made_frozen_is_frozen_inside():
    assert own_model(trainable=False).trainable_variables == []


@pytest.mark.parametrize("kind", COPIES)
def test_a_layer_that_is_frozen_later_stays_frozen(kind, tmp_path):
    model = own_model()
    model.get_layer("group").trainable = False
    assert COPIES[kind](model, tmp_path).trainable_variables == []


@pytest.mark.parametrize("mode", ["int8", "int4"])
@pytest.mark.parametrize("kind", COPIES)
@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method:UserWarning")
def test_quantized_layers_inside_give_the_same(kind, mode, tmp_path):
    model = own_model()
    model.quantize(mode)
    twin = COPIES[kind](model, tmp_path)
    twin.set_weights(model.get_weights())
    np.testing.assert_array_equal(twin(IMAGES), model(IMAGES))


def test_adapters_inside_are_kept_and_train_alone(tmp_path):
    model = own_model()
    model.get_layer("group").trainable = False
    model.get_layer("group").trainable = True
    model.get_layer("group").last.enable_lora(2, lora_alpha=4)
    twin = through_file(model, tmp_path)
    last = twin.get_layer("group").last
    assert (last.lora_rank, last.lora_alpha) == (2, 4)
    names = [variable.path for variable in last.trainable_variables]
    assert names == [v.path for v in model.get_layer("group").last.trainable_variables]


def test_names_do_not_depend_on_the_place():
    group = ResidualGroup(blocks=1, reduction=2)
    group.build((None, 8, 8, 8))
    names = [name for name, _ in layers_inside(group)]
    assert names[:2] == ["block_0", "block_0/first"] and "last" in names


def test_a_thawed_layer_in_a_frozen_one():
    first, second = own_model(), own_model()
    first.get_layer("group").trainable = False
    first.get_layer("group").last.trainable = True
    change_inside(second, changes_inside(first))
    assert changes_inside(second) == changes_inside(first)
    assert second.get_layer("group").last.trainable
