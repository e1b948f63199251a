"""What cannot be trained is said in a sentence, before anything is written."""

import numpy as np
import pytest

from mirnet_keras.images import write_image
from mirnet_keras.presets import load
from mirnet_keras.recipes import Recipe, RecipeError
from mirnet_keras.training import train
from mirnet_keras.training.fitting import build, check_fits
from mirnet_keras.training.train_adversarially import adversarial_model, first_step

PAIRED = {"kind": "paired", "inputs": "low", "targets": "high"}
SMALL_MIRNET = {"filters": 4, "blocks": 1, "convolution_groups": [1]}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    for name in ("low", "high"):
        image = np.random.default_rng(0).integers(0, 256, (36, 36, 3), np.uint8)
        write_image(folder / name / "a.png", image)
    return folder


@pytest.fixture
def refused(tiny, data, tmp_path):
    """`refused(crop, **changes)`: what is said of a recipe for pairs of one size."""

    def message(crop, **changes):
        stages = [{"steps": 1, "crop": crop, "batch": 1}]
        plan = tiny(data=PAIRED, stages=stages, report_every=1, validate_every=1) | changes
        with pytest.raises(RecipeError) as caught:
            train(Recipe(**plan), tmp_path / "run", data, verbose=0)
        assert not (tmp_path / "run").exists()
        assert "\n" not in str(caught.value)
        return str(caught.value)

    return message


def test_a_crop_that_the_network_does_not_take(refused):
    message = refused(30, network="mirnet_v2", arguments=SMALL_MIRNET)
    assert "'mirnet_v2' cannot be trained on crops of 30 pixels" in message
    assert "multiple of 4" in message


@pytest.mark.parametrize("kind", ["paired", "degraded"])
def test_a_network_that_enlarges_on_data_of_one_size(refused, kind):
    degraded = {"kind": "degraded", "folders": ["high"], "degradation": "gaussian"}
    message = refused(32, data=PAIRED if kind == "paired" else degraded)
    assert "'awsrn' enlarges 2 times" in message
    assert "1 times as large as their inputs" in message


@pytest.mark.parametrize("kind", ["paired", "mixed"])
def test_a_network_that_enlarges_trains_on_pairs_of_two_sizes(tiny, tmp_path, kind):
    for seed, name in enumerate(["train", "val"]):
        small = np.random.default_rng(seed).integers(0, 256, (12, 14, 3), np.uint8)
        write_image(tmp_path / name / "low/a.png", small)
        write_image(tmp_path / name / "high/a.png", small.repeat(2, axis=0).repeat(2, axis=1))
    pairs = {"kind": "paired", "inputs": "train/low", "targets": "train/high", "scale": 2}
    mixed = {"kind": "mixed", "sources": [pairs], "repeats": [2]}
    data = {"paired": pairs, "mixed": mixed}[kind]
    data |= {"validation_inputs": "val/low", "validation_targets": "val/high"}
    stages = [{"steps": 1, "crop": 16, "batch": 1}]
    plan = Recipe(**tiny(data=data, stages=stages, report_every=1, validate_every=1))
    train(plan, tmp_path / "run", tmp_path, verbose=0)
    best = load(tmp_path / "run/best.keras")
    assert best.restore(np.zeros((4, 5, 3), np.float32)).shape == (8, 10, 3)


def test_crops_are_counted_in_pixels_of_the_target(tiny):
    def plan(crop):
        stages = [{"steps": 1, "crop": crop, "batch": 1}]
        return Recipe(
            **tiny(stages=stages, report_every=1, validate_every=1)
            | {"network": "rrdbnet", "arguments": {"scale": 2, "filters": 4, "blocks": 1}}
        )

    model = build(plan(8))
    assert model.multiple == 2
    check_fits(model, plan(8).stages, 2)
    with pytest.raises(RecipeError, match="crops of 6 pixels.*multiple of 4"):
        check_fits(model, plan(6).stages, 2)


@pytest.mark.parametrize(
    ("crop", "discriminator", "words"),
    [
        (32, {"discriminator": "vgg96"}, "'vgg96'.*32.*96"),
        (36, {"discriminator": "unet"}, "'unet'.*36.*multiple of 8"),
        (34, {"discriminator": "unet"}, "'spsagan' cannot be trained on crops of 34"),
    ],
)
def test_a_second_step_on_crops_that_do_not_fit(tiny_game, tmp_path, crop, discriminator, words):
    second = discriminator | {"stages": [{"steps": 1, "crop": crop, "batch": 1}]}
    stages = [{"steps": 1, "crop": 32, "batch": 1}]
    plan = Recipe(**tiny_game(second, stages=stages, report_every=1, validate_every=1))
    first = build(first_step(plan))
    with pytest.raises(RecipeError, match=words):
        adversarial_model(plan, first, tmp_path)
