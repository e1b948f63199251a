import keras
import numpy as np
import pytest

from mirnet_keras.batch import Settings, find_jobs, restore_all
from mirnet_keras.batch.unlikeness import UnlikenessRemark, learned_clean_bicubic
from mirnet_keras.images import write_image
from mirnet_keras.models import AWSRN
from mirnet_keras.pictures import Picture
from mirnet_keras.presets import find, list_presets, read_preset, save_preset


@pytest.fixture(scope="module")
def save(tmp_path_factory):
    """`save(recipe)`: the folder of a tiny preset whose card names that recipe."""
    keras.utils.set_random_seed(0)
    model = AWSRN(scale=2, blocks=1, units=1, filters=4, wide_filters=8)

    def folder(recipe):
        place = tmp_path_factory.mktemp("presets") / "tiny"
        save_preset(
            model,
            place,
            name="tiny",
            task="super-resolution",
            recipe=recipe,
            steps=0,
            trained_on="nothing",
            data_licence="none",
            scores=[],
        )
        return place

    return folder


@pytest.fixture(scope="module")
def bicubic(save):
    return save("awsrn_s_x2")


def noisy(seed=0):
    return np.random.default_rng(seed).integers(0, 256, (70, 80, 3), np.uint8)


def test_it_is_said_of_one_picture_of_a_run(bicubic, tmp_path):
    write_image(tmp_path / "in/clean.png", np.full((70, 80, 3), 128, np.uint8))
    for number in range(5):
        write_image(tmp_path / f"in/noisy {number}.png", noisy(number))
    found = find_jobs([str(tmp_path / "in")], tmp_path / "out")
    outcomes = list(restore_all(found.jobs, Settings(preset=str(bicubic))))
    assert [outcome.status for outcome in outcomes] == ["restored"] * 6
    said = [outcome for outcome in outcomes if outcome.remarks]
    assert len(said) == 1 and said[0].input.name.startswith("noisy")
    assert said[0].remarks == (
        f"{bicubic} was trained on clean bicubic pictures; this one has noise: expect less. "
        "(Said once.)",
    )
    again = list(restore_all(found.jobs, Settings(preset=str(bicubic))))
    assert sum(len(outcome.remarks) for outcome in again) == 1


def test_what_shines_through_is_white_and_no_noise(bicubic):
    alpha = np.zeros((70, 80), np.uint8)
    remark = UnlikenessRemark()
    assert remark.on(Picture(noisy(), alpha), str(bicubic)) is None
    large = np.zeros((3000, 3000), np.uint8)
    large[1400:1600, 1400:1600] = np.kron(noisy()[:25, :25, 0], np.ones((8, 8), np.uint8))
    said = remark.on(Picture(large), str(bicubic / "model.keras"))
    assert "9 megapixels, more than any of them: expect less." in said


@pytest.mark.parametrize("recipe", ["my_own", "mirnet_realsr_x4", "mirnet_denoise_small"])
def test_nothing_is_said_of_another_training_or_an_unknown_one(save, recipe):
    assert UnlikenessRemark().on(Picture(noisy()), str(save(recipe))) is None


def test_nothing_is_said_of_a_model_without_a_card(settings):
    assert UnlikenessRemark().on(Picture(noisy()), settings.preset) is None


def test_the_shipped_presets_that_enlarge_learned_from_bicubic_pictures():
    learned = {preset.name: learned_clean_bicubic(preset) for preset in list_presets()}
    assert {name for name, is_bicubic in learned.items() if is_bicubic} == {
        preset.name
        for preset in list_presets()
        if preset.task == "super-resolution" and preset.name != "awsrn_photo_x2"
    }
    preset = read_preset(find("awsrn_s_x2"))
    assert not learned_clean_bicubic(preset.model_copy(update={"task": "denoising"}))
