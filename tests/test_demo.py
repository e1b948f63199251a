import numpy as np
import pytest

from mirnet_keras.demo import demo_picture, run_demo
from mirnet_keras.images import read_image
from mirnet_keras.models import AWSRN, MIRNetV2
from mirnet_keras.presets import PresetError, save_preset

FACTS = {"recipe": "none", "steps": 0, "trained_on": "nothing", "data_licence": "none"}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The demo with untrained presets, which come before the shipped ones of the same names."""
    folder = tmp_path_factory.mktemp("presets")
    enhance = MIRNetV2(filters=8, blocks=1, convolution_groups=(1,))
    enlarge = AWSRN(scale=2, blocks=1, units=1, filters=4, wide_filters=8)
    for name, task, model in (
        ("mirnet_lowlight_small", "low-light enhancement", enhance),
        ("awsrn_s_x2", "super-resolution", enlarge),
    ):
        save_preset(model, folder / name, name=name, task=task, scores=[], **FACTS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIRNET_KERAS_PRESETS", str(folder))
        return run_demo(tmp_path_factory.mktemp("demo"))[:2]


def test_every_picture_is_written(results):
    for result in results:
        shape = read_image(result.after).shape
        assert read_image(result.before).shape == read_image(result.difference).shape == shape
        height, width, _ = read_image(result.comparison).shape
        assert height > shape[0] and width > 3 * shape[1]


def test_scores_name_their_protocol_and_what_they_are_better_than(results):
    dark, small = results
    assert dark.before_score.protocol == dark.after_score.protocol == "lol"
    assert small.before_score.protocol == small.after_score.protocol == "classical-y"
    assert dark.before_score.psnr == pytest.approx(8.277, abs=1e-3)
    assert small.before_score.psnr == pytest.approx(33.754, abs=1e-3)  # bicubic
    assert dark.before_brightness == pytest.approx(19.84, abs=0.01)


def test_the_difference_is_to_the_ground_truth(results):
    truth = demo_picture("cat.webp").astype(int)
    expected = np.minimum(4 * np.abs(read_image(results[1].after) - truth), 255)
    np.testing.assert_array_equal(read_image(results[1].difference), expected)


def test_the_dark_picture_is_made_as_its_card_says():
    from mirnet_keras.data import LowLight
    from mirnet_keras.images import to_float

    coffee = to_float(demo_picture("coffee.webp"))
    dark = LowLight(gain=(0.03, 0.03), photons=(3000, 3000))(coffee, np.random.default_rng(0))
    different = np.abs(np.round(dark * 255) - demo_picture("coffee_dark.png"))
    assert different.max() <= 1  # on the edge of rounding, processors differ
    assert np.count_nonzero(different) < 10


def test_a_missing_preset_is_named_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr("mirnet_keras.presets.loading._known_folders", dict)
    with pytest.raises(PresetError, match="mirnet_lowlight_small"):
        run_demo(tmp_path / "out")
    assert not (tmp_path / "out").exists()
