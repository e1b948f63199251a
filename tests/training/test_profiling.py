import json

import keras
import numpy as np
import pytest
import tensorflow as tf
import yaml

from mirnet_keras.images import write_image
from mirnet_keras.training import profiling
from mirnet_keras.training.profiling import REST, ProfileError, profile_preset, profile_recipe


@pytest.mark.parametrize(
    ("operation", "layer"),
    [
        ("net_1/block_0_1/unit_1/add", "block_0/unit_1"),
        ("net/block_0/unit_1_1/convolution", "block_0/unit_1"),
        ("gradient_tape/net_1/block_0_1/unit_2_1/convolution/Conv2DBackpropInput", "block_0"),
        ("net_1/shuffle_1/DepthToSpace", "shuffle"),
        ("net_2/Reshape", REST),
        ("adam/Sqrt", REST),
        ("other/block_0/add", REST),
    ],
)
def test_an_operation_belongs_to_the_innermost_layer_that_is_known(operation, layer):
    known = {"block_0", "block_0/unit_1", "shuffle"}
    assert profiling._layer(operation, "net", known) == layer


def test_a_layer_is_not_taken_for_the_one_after_it():
    image = keras.Input((64, 64, 3))
    wide = keras.layers.Conv2D(8, 1, name="narrow")(image)
    heavy = keras.layers.Conv2D(96, 9, padding="same", name="heavy")(wide)
    light = keras.layers.Conv2D(96, 1, name="light")(image)
    total = keras.layers.Add(name="total")([heavy, light])  # TensorFlow would add in `heavy`
    model = keras.Model(image, keras.layers.ReLU(name="last")(total), name="net")
    batch = np.zeros((2, 64, 64, 3), np.float32)
    with profiling._layers_apart():
        model.predict_on_batch(batch)
        found = profiling._layer_seconds(model, lambda: model.predict_on_batch(batch))
    assert next(iter(found)) == "heavy"
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert {"narrow", "light", "total"} < set(found)
    assert tf.config.optimizer.get_experimental_options()["remapping"] is True


def test_a_preset_is_measured_as_it_restores(presets):
    profile = profile_preset(presets / "awsrn_s_x2", size=32)
    assert profile.inputs == (1, 32, 32, 3)
    assert profile.seconds > 0 and profile.waiting is None
    assert {"reconstruction", "skip", "restored"} < set(profile.layers)
    deep = profile_preset(presets / "mirnet_lowlight_small", size=30)
    assert any(name.startswith("group_0/block_0/") for name in deep.layers)
    assert deep.layers.get(REST, 0) < sum(deep.layers.values()) / 2


@pytest.fixture
def recipe(tiny, tmp_path, photo):
    for folder in ("train", "val"):
        write_image(tmp_path / folder / "a.png", photo(48, 48))
    stages = [{"steps": 8, "crop": 16, "batch": 2}]
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(tiny(stages=stages, report_every=4, validate_every=4)))
    return path


def test_a_training_step_is_measured_with_its_batch(recipe, monkeypatch):
    before = set(recipe.parent.rglob("*"))
    monkeypatch.setattr(profiling, "_seconds", lambda run: run() is None or 2.0)
    profile = profile_recipe(recipe, recipe.parent, steps=3)
    assert (profile.network, profile.inputs) == ("tiny", (2, 8, 8, 3))
    assert (profile.waiting, profile.making, profile.seconds) == (2.0, 2.0, 4.0)
    assert "block_0/unit_0/expand" in profile.layers and REST in profile.layers
    assert set(recipe.parent.rglob("*")) == before


def test_another_backend_is_refused(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ProfileError, match="KERAS_BACKEND=tensorflow. Received 'jax'"):
        profile_preset("awsrn_s_x2")


def test_the_command_prints_the_slowest_layers(run, fails, recipe):
    result = run("profile", "awsrn_s_x2", "--size", "32", "--layers", "2")
    assert result.exit_code == 0, result.output
    first, *rows = result.stdout.splitlines()
    assert first.startswith("awsrn, a picture, 1 x 32 x 32 x 3: ")
    assert len(rows) == 3 and rows[-1].endswith(" more)")
    result = run("profile", recipe, "--data", recipe.parent, "--steps", "3")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[1].startswith("waiting for the batch: ")
    report = json.loads(run("profile", "awsrn_s_x2", "--size", "32", "--json").stdout)
    assert report["inputs"] == [1, 32, 32, 3] and report["layers"]["skip"] > 0
    assert "no preset 'awsrn_s_x9'" in fails("profile", "awsrn_s_x9")
    assert "no recipe 'awsrn_s_x9'" in fails("profile", "awsrn_s_x9", "--data", ".")
