import json

import keras
import numpy as np
import pytest

from mirnet_keras.layers import DualAttentionUnit
from mirnet_keras.losses import LOSSES
from mirnet_keras.models import AWSRN, AWSRN_VARIANTS, MODELS, MIRNet, MIRNetV2, RestorationModel

# Wang et al. 2019, Table 1 (there rounded); for x8 of the small ones the authors' code.
AWSRN_PARAMETERS = {
    ("AWSRN", 2): 1_396_872,
    ("AWSRN", 3): 1_476_147,
    ("AWSRN", 4): 1_587_132,
    ("AWSRN", 8): 2_348_172,
    ("AWSRN-M", 2): 1_063_742,
    ("AWSRN-M", 3): 1_143_017,
    ("AWSRN-M", 4): 1_254_002,
    ("AWSRN-S", 2): 397_482,
    ("AWSRN-S", 3): 476_757,
    ("AWSRN-S", 4): 587_742,
    ("AWSRN-SD", 2): 348_098,
    ("AWSRN-SD", 3): 388_013,
    ("AWSRN-SD", 4): 443_894,
}


@pytest.mark.parametrize(("variant", "scale"), AWSRN_PARAMETERS)
def test_parameters_of_awsrn(variant, scale):
    model = AWSRN(scale, **AWSRN_VARIANTS[variant])
    assert model.count_params() == AWSRN_PARAMETERS[variant, scale]
    assert (model.scale, model.multiple) == (scale, 1)


def test_parameters_of_the_authors_key_lists(shared):
    counts = {
        (variant, scale): json.loads(path.read_text())["params"]
        for variant in AWSRN_VARIANTS
        for scale in (2, 3, 4, 8)
        if (path := shared / f"keys/{variant.replace('-', '_')}_x{scale}.json").exists()
    }
    assert counts == AWSRN_PARAMETERS
    assert json.loads((shared / "keys/MIRNet.json").read_text())["params"] == 31_787_419
    assert json.loads((shared / "keys/MIRNetv2.json").read_text())["params"] == 5_858_560
    assert json.loads((shared / "keys/MIRNetv2_defocus.json").read_text())["params"] == 5_860_720


def attention_units(model):
    groups = [layer for layer in model.layers if layer.name.startswith("group_")]
    return [unit for group in groups for block in group.blocks for unit in block.units]


def test_parameters_of_mirnet():
    model = MIRNet()
    assert model.count_params() == 31_787_419
    assert (model.scale, model.multiple) == (1, 4)
    units = attention_units(model)
    assert len(units) == 3 * 2 * 3
    # Zamir et al.: one slope for the attention units of the whole network.
    assert {id(unit.activation.slope) for unit in units} == {id(units[0].activation.slope)}
    unshared = model.count_params() + sum(unit.count_params() - 1 for unit in units)
    assert round(unshared / 1e4) == 4224  # with units of their own for both columns


def test_parameters_of_mirnet_v2():
    model = MIRNetV2()
    assert model.count_params() == 5_858_560
    assert (model.scale, model.multiple) == (1, 4)
    groups = [model.get_layer(f"group_{g}").blocks[0].groups for g in range(4)]
    assert groups == [1, 2, 4, 4]


def test_parameters_of_mirnet_v2_for_defocus_deblurring():
    model = MIRNetV2(in_channels=6, image_residual=False)
    assert model.count_params() == 5_860_720
    assert model.output_shape == (None, None, None, 3)


def test_columns_with_units_of_their_own(networks):
    shared = networks["mirnet"]
    own = MIRNet(**(shared.arguments | {"share_columns": False}))
    units = attention_units(shared)
    assert all(type(unit) is DualAttentionUnit for unit in units)
    assert len(attention_units(own)) == 2 * len(units)
    extra = sum(unit.count_params() - 1 for unit in units)  # the slope stays one
    assert own.count_params() == shared.count_params() + extra


def test_every_network_is_tested_here(networks):
    assert networks.keys() == MODELS.keys()
    assert all(type(model) is RestorationModel for model in networks.values())


def check_size(model, size):
    image = np.random.default_rng(0).random((1, *size, 3), np.float32)
    restored = model(image)
    assert restored.shape == (1, size[0] * model.scale, size[1] * model.scale, 3)  # C1, C8, C9
    assert keras.backend.standardize_dtype(restored.dtype) == "float32"  # C3


def test_any_multiple_of_four(networks):
    for model in networks.values():
        assert 4 % model.multiple == 0
        check_size(model, (8, 20))


@pytest.mark.parametrize("name", MODELS)
def test_four_pixels(networks, name):
    check_size(networks[name], (4, 4))


def test_models_do_not_clip(networks):  # C5
    extremes = np.float32(np.stack([np.full((8, 8, 3), -50), np.full((8, 8, 3), 50)]))
    for name, model in networks.items():
        restored = np.asarray(model(extremes))
        assert restored.min() < 0, name
        assert restored.max() > 1, name


@pytest.mark.parametrize("name", MODELS)
def test_black_white_and_constant_images_in_bfloat16(networks, name):  # C15
    image = np.ones((1, 8, 8, 3), np.float32)
    images = np.concatenate([0 * image, image, 0.5 * image])
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = MODELS[name](**networks[name].arguments)
    finally:
        keras.config.set_dtype_policy("float32")
    model.set_weights(networks[name].get_weights())
    restored = model(images)
    assert keras.backend.standardize_dtype(restored.dtype) == "float32"  # C3
    np.testing.assert_allclose(restored, networks[name](images), atol=0.05)  # NaN is not close


SIZES = [(1, 1), (1, 7), (5, 3), (17, 23)]


@pytest.mark.parametrize("name", MODELS)
def test_restore_takes_any_size_and_clips(networks, name):
    model = networks[name]
    model.run_eagerly = True  # no tracing for each size
    for height, width in SIZES:
        image = np.random.default_rng(0).random((height, width, 3), np.float32)
        restored = model.restore(image)
        assert restored.shape == (height * model.scale, width * model.scale, 3)
        assert restored.dtype == np.float32
        assert 0 <= restored.min() <= restored.max() <= 1
    batch = model.restore(np.stack([image, image]))
    assert batch.shape == (2, *restored.shape)
    np.testing.assert_allclose(batch[1], restored, atol=1e-5)


UNSEEN = {"non_local/key/bias"}  # the softmax does not see it


@pytest.mark.parametrize("name", MODELS)
def test_a_training_step_changes_every_variable(networks, name):
    model = MODELS[name](**networks[name].arguments)
    model.set_weights(networks[name].get_weights())
    model.compile(keras.optimizers.Adam(1e-3), "mse", run_eagerly=True)
    before = [np.array(variable) for variable in model.trainable_variables]
    random = np.random.default_rng(0)
    images = random.random((4, 8, 8, 3), np.float32)
    targets = random.random((4, 8 * model.scale, 8 * model.scale, 3), np.float32)
    model.train_on_batch(images, targets)
    same = [
        variable.path
        for variable, old in zip(model.trainable_variables, before, strict=True)
        if np.array_equal(old, variable)
    ]
    assert not set(same) - UNSEEN


@pytest.mark.parametrize("name", MODELS)
def test_saved_and_loaded_here(networks, saved, name):
    model = networks[name]
    loaded = keras.saving.load_model(saved / f"{name}.keras")
    assert type(loaded) is RestorationModel
    for attribute in ("network", "arguments", "scale", "multiple", "name"):
        assert getattr(loaded, attribute) == getattr(model, attribute)
    assert json.loads(json.dumps(loaded.arguments)) == loaded.arguments
    images = np.load(saved / "images.npy")
    np.testing.assert_array_equal(np.asarray(loaded(images)), np.asarray(model(images)))


LOAD = """
import json, sys, pathlib
import mirnet_keras.models, keras, numpy as np
folder = pathlib.Path(sys.argv[1])
images, report = np.load(folder / "images.npy"), {}
expected = np.load(folder / "expected.npz")
for path in sorted(folder.glob("*.keras")):
    try:
        model = keras.saving.load_model(path)
    except Exception as error:
        report[path.stem] = repr(error)
        continue
    report[path.stem] = {"class": type(model).__name__}
    if path.stem in expected:
        difference = np.abs(np.asarray(model(images)) - expected[path.stem])
        report[path.stem]["difference"] = float(difference.max())
    else:
        report[path.stem]["loss"] = type(model.loss).__name__
        truth = np.random.default_rng(1).random((2, 48, 64, 3), np.float32)
        large = images.repeat(2, axis=1).repeat(2, axis=2)
        scores = model.evaluate(large, truth, verbose=0, return_dict=True)
        report[path.stem]["scores"] = sorted(scores)
print(json.dumps(report))
"""


@pytest.fixture(scope="module")
def report(saved, run_python):
    return run_python(LOAD, saved)


@pytest.mark.parametrize("name", MODELS)
def test_loaded_in_a_fresh_process(report, name):
    assert report[name] == {"class": "RestorationModel", "difference": 0}


@pytest.mark.parametrize("name", LOSSES)
def test_compiled_models_are_loaded_in_a_fresh_process(report, name):
    assert report[f"compiled_{name}"] == {
        "class": "RestorationModel",
        "loss": LOSSES[name].__name__,
        "scores": ["loss", "psnr", "ssim"],
    }
