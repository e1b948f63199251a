import functools
import inspect
import json
import math

import pytest
import yaml

from mirnet_keras.data import DEGRADATIONS
from mirnet_keras.losses import LOSSES
from mirnet_keras.metrics import PROTOCOLS
from mirnet_keras.models import MODELS
from mirnet_keras.recipes import DegradedData, Recipe, RecipeError, list_recipes, load_recipe

SMALL = {
    "network": "awsrn",
    "arguments": {"scale": 2},
    "data": {"kind": "super_resolution", "folders": ["hr"]},
    "stages": [{"steps": 4000, "crop": 32, "batch": 4}],
}
PAIRED = {"kind": "paired", "inputs": "low", "targets": "high"}
NOISY = {"kind": "degraded", "folders": ["a"], "degradation": "gaussian"}


@pytest.fixture
def write(tmp_path):
    """Writes `SMALL` with changes as a YAML file; a value of None drops the key."""

    def write(**changes):
        values = {key: value for key, value in (SMALL | changes).items() if value is not None}
        path = tmp_path / "mine.yaml"
        path.write_text(yaml.safe_dump(values))
        return path

    return write


def refused(path):
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("name", list_recipes())
def test_shipped_recipes(name):
    recipe = load_recipe(name)
    assert recipe.name == name
    inspect.signature(MODELS[recipe.network]).bind(**recipe.arguments)
    assert recipe.protocol in PROTOCOLS
    for stage in recipe.stages:
        assert stage.crop % recipe.arguments.get("scale", 4) == 0
    assert recipe.warm_up < recipe.steps
    assert recipe.final_rate < recipe.rate


# The authors' counts; of SPSAGAN, which has no published weights, our own.
PARAMETERS = {
    "awsrn_x2": 1_396_872,
    "awsrn_m_x2": 1_063_742,
    "awsrn_s_published_x2": 397_482,
    "awsrn_photo_x2": 397_482,
    "awsrn_s_x2": 397_482,
    "awsrn_s_x4": 587_742,
    "awsrn_sd_x2": 348_098,
    "han_x2": 15_924_057,
    "mirnet_fivek": 31_787_419,
    "mirnet_lol": 31_787_419,
    "mirnet_realsr_x4": 31_787_419,
    "mirnet_sidd": 31_787_419,
    "mirnet_v2_fivek": 5_858_560,
    "mirnet_v2_lol": 5_858_560,
    "mirnet_v2_realsr_x4": 5_858_560,
    "mirnet_v2_sidd": 5_858_560,
    "rcan_x2": 15_444_667,
    "rrdbnet_x4": 16_697_987,
    "san_x2": 15_674_756,
    "spsagan_x4": 11_050_740,
}
QUICK = ("awsrn", "mirnet_v2")


@functools.cache
def parameters(network, arguments):
    return MODELS[network](**json.loads(arguments)).count_params()


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=() if n.startswith(QUICK) else pytest.mark.slow) for n in PARAMETERS],
)
def test_a_published_recipe_builds_the_published_network(name):
    recipe = load_recipe(name)
    assert parameters(recipe.network, json.dumps(recipe.arguments)) == PARAMETERS[name]


def test_every_recipe_is_of_a_small_preset_or_has_its_published_count():
    assert {name for name in list_recipes() if "small" not in name} == PARAMETERS.keys()


def test_there_are_shipped_recipes():
    assert "awsrn_s_x2" in list_recipes()


def test_names_in_recipes_are_names_of_the_package():
    fields = Recipe.model_fields
    assert set(fields["loss"].annotation.__args__) == LOSSES.keys()
    assert set(fields["network"].annotation.__args__) <= MODELS.keys()
    degradations = DegradedData.model_fields["degradation"].annotation.__args__
    assert set(degradations) == DEGRADATIONS.keys()


def test_the_file_gives_the_name_and_defaults_fill_in(write):
    recipe = load_recipe(write())
    assert (recipe.name, recipe.loss, recipe.ema) == ("mine", "charbonnier", 0.999)
    assert load_recipe(str(write(name="other"))).name == "other"
    assert load_recipe(recipe) is recipe
    stages = [{"steps": 3000, "crop": 32, "batch": 4}, {"steps": 1000, "crop": 64, "batch": 2}]
    assert load_recipe(write(stages=stages)).steps == 4000


def test_numbers_as_yaml_reads_them(tmp_path, write):
    path = tmp_path / "mine.yaml"
    path.write_text(write().read_text() + "rate: 1e-3\nfinal_rate: 1.5e-6\n")
    recipe = load_recipe(path)
    assert math.isclose(recipe.rate, 1e-3)  # which YAML takes for a word
    assert math.isclose(recipe.final_rate, 1.5e-6)


@pytest.mark.parametrize(
    ("changes", "key", "near"),
    [
        ({"lose": "l1"}, "lose", "loss"),
        ({"warmup": 5}, "warmup", "warm_up"),
        ({"stages": [{"steps": 4000, "crops": 32, "batch": 4}]}, "stages.0.crops", "crop"),
        ({"data": PAIRED | {"validation_input": "v"}}, "validation_input", "validation_inputs"),
        ({"data": {"folders": ["a"], "exlude": [], "kind": "super_resolution"}}, "exlude", "excl"),
        ({"data": {"folder": ["a"], "kind": "degraded"}}, "folder", "folders"),
    ],
)
def test_a_misspelt_key_is_named_with_the_nearest(write, changes, key, near):  # C19
    message = refused(write(**changes))
    if "missing" in message:  # the key that was meant is missing as well
        assert near in message
    else:
        assert f"{key}'" in message
        assert f"Did you mean '{near}" in message


def test_a_key_unlike_any_other_gets_the_list(write):
    message = refused(write(zzz=1))
    assert "unknown key 'zzz'" in message
    assert "'stages'" in message


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"network": None}, "'network' is missing"),
        ({"stages": None}, "'stages' is missing"),
        ({"stages": [{"steps": 4000, "batch": 4}]}, "'stages.0.crop' is missing"),
        ({"stages": []}, "stages.*at least 1"),
        ({"loss": "l3"}, "loss: .*'charbonnier', .*'l1' or 'mse'.*'l3'"),
        ({"network": "resnet"}, "network: .*'mirnet'.*Received: 'resnet'"),
        ({"rate": -1}, "rate: .*greater than 0.*-1"),
        ({"ema": 1.0}, "ema: .*less than 1"),
        ({"seed": -1}, "seed: .*greater than or equal to 0"),
        ({"mixup": 2}, "mixup: .*less than or equal to 1"),
        ({"precision": "float64"}, "precision: .*'mixed_bfloat16'.*'float64'"),
        ({"stages": [{"steps": 0, "crop": 32, "batch": 4}]}, "stages.0.steps: .*greater than 0"),
        ({"stages": [{"steps": 9.5, "crop": 32, "batch": 4}]}, "stages.0.steps: .*integer"),
        ({"data": {"folders": ["a"]}}, "data: .*kind"),
        ({"data": {"folders": ["a"], "kind": "video"}}, "data: .*'paired'.*'super_resolution'"),
        ({"data": NOISY | {"options": {"sigma": 25}}}, "`sigma` must be a range.*Received 25"),
        ({"data": NOISY | {"options": {"sigma": [9, 2]}}}, "`sigma` must be a range"),
        ({"data": NOISY | {"options": {"sigma": [9, math.inf]}}}, "`sigma` must be a range"),
        (
            {"data": NOISY | {"degradation": "low_light", "options": {"gain": [0, 1]}}},
            "`gain` must be a range, two numbers above 0",
        ),
        ({"report_every": 300}, r"`report_every` \(300\) must divide"),
        ({"report_every": 500, "validate_every": 700}, r"`validate_every` \(700\)"),
    ],
)
def test_what_is_missing_or_wrong_is_named(write, changes, words):  # C19
    path = write(**changes)
    with pytest.raises(RecipeError, match=words) as caught:
        load_recipe(path)
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize(("steps", "report", "validate"), [(4000, 250, 2000), (90, 30, 60)])
def test_report_every_divides_the_steps_and_validate_every(write, steps, report, validate):
    stages = [{"steps": steps - 10, "crop": 8, "batch": 1}, {"steps": 10, "crop": 8, "batch": 1}]
    recipe = load_recipe(write(stages=stages, report_every=report, validate_every=validate))
    assert recipe.steps % recipe.report_every == 0


@pytest.mark.parametrize("text", ["- a list\n", "", "just words"])
def test_a_file_without_keys_is_refused(tmp_path, text):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    assert "must hold keys and values" in refused(path)


def test_files_that_are_no_yaml_or_missing_are_refused(tmp_path, write):
    path = tmp_path / "mine.yaml"
    path.write_text("stages: [\n")
    with pytest.raises(RecipeError, match="mine.yaml is not readable YAML"):
        load_recipe(path)
    assert "no recipe file" in refused(tmp_path / "missing.yml")
    path.write_bytes(b"\xff\xfe\x80")
    assert "mine.yaml is no text" in refused(path)
    path.write_text(write().read_text() + "7: 8\n")
    assert "mine.yaml: 7: " in refused(path)


def test_an_unknown_recipe_gets_the_nearest_name():
    message = refused("awsrn_sx2")
    assert "no recipe 'awsrn_sx2'" in message
    assert "Did you mean 'awsrn_s_x2'?" in message
    assert "Did you mean" not in refused("zzz")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"protocol": "classical_y"}, "protocol"),
        ({"arguments": {}}, "scale"),
        ({"data": PAIRED | {"validation_inputs": "v"}, "network": "mirnet"}, "validation_targets"),
        (
            {
                "data": {
                    "kind": "degraded",
                    "folders": ["a"],
                    "degradation": "gaussian",
                    "options": {"sigmas": 5},
                }
            },
            "sigmas",
        ),
        ({"warm_up": 4000}, "warm_up"),
        (
            {
                "data": {
                    "kind": "mixed",
                    "sources": [PAIRED, PAIRED | {"scale": 2}],
                    "repeats": [1, 1],
                }
            },
            "all `sources` must have the same `scale`",
        ),
        ({"schedule": "step"}, "decay_every"),
        ({"schedule": "step", "warm_up": 100, "decay_every": 2000}, "warm_up"),
    ],
)
def test_what_cannot_work_is_refused_at_once(write, changes, words):
    assert words in refused(write(**changes))
