import json
import math

import keras
import numpy as np
import pytest

from mirnet_keras.data import DataError, imresize
from mirnet_keras.evaluation import EvaluationError, evaluate
from mirnet_keras.images import ImageError, crop_to_multiple, write_image
from mirnet_keras.metrics import score
from mirnet_keras.models import AWSRN, RestorationModel
from mirnet_keras.restorer import Restorer


def photo(height, width, seed=0):
    small = np.random.default_rng(seed).integers(0, 256, (height // 4 + 1, width // 4 + 1, 3))
    return imresize(small.astype(np.uint8), 4)[:height, :width]


def bicubic(image):
    return imresize(image, 2)


@pytest.fixture
def sharp(tmp_path):
    """A folder with two sharp pictures, of odd sizes."""
    for seed, name in enumerate(("a", "b")):
        write_image(tmp_path / "sharp" / f"{name}.png", photo(41, 53, seed))
    return tmp_path / "sharp"


@pytest.fixture
def pairs(tmp_path):
    """A folder with `low/` and `high/`."""
    for seed, name in enumerate(("1", "2")):
        high = photo(32, 40, seed)
        write_image(tmp_path / "lol/high" / f"{name}.png", high)
        write_image(tmp_path / "lol/low" / f"{name}.png", high // 4)
    return tmp_path / "lol"


@pytest.fixture(scope="module")
def awsrn():
    keras.utils.set_random_seed(0)
    return AWSRN(scale=2, blocks=1, units=1, filters=4, wide_filters=8)


def same_size_model():
    image = keras.Input((None, None, 3))
    brighter = keras.layers.Rescaling(2.0)(image)
    return RestorationModel(image, brighter, network="double", arguments={}, name="double")


@pytest.mark.parametrize(("scale", "psnr", "ssim"), [(2, 33.6734, 0.9303), (4, 28.4290, 0.8111)])
def test_bicubic_on_set5_is_what_the_data_folder_states(shared, scale, psnr, ssim):
    def enlarge(image):
        return imresize(image, scale)

    result = evaluate(enlarge, shared / "data/sr/Set5", scale=scale)
    assert (result.name, result.protocol, result.scale) == ("enlarge", "classical-y", scale)
    assert [image.name for image in result.per_image] == [
        "baby",
        "bird",
        "butterfly",
        "head",
        "woman",
    ]
    assert result.psnr == pytest.approx(psnr, abs=1e-4)
    assert result.ssim == pytest.approx(ssim, abs=1e-4)


def test_a_folder_of_sharp_pictures_is_reduced_exactly(sharp):
    result = evaluate(bicubic, sharp, scale=2)
    target = crop_to_multiple(photo(41, 53), 2)
    expected = score(target, imresize(imresize(target, 1 / 2), 2), "classical-y", 2)
    assert result.per_image[0].psnr == expected.psnr
    assert result.psnr == np.mean([image.psnr for image in result.per_image])


def test_stored_inputs_are_used_where_they_are(sharp, tmp_path):
    for name in ("a", "b"):
        write_image(tmp_path / "set/HR" / f"{name}.png", photo(40, 52))
        write_image(tmp_path / "set/LRBI/x2" / f"{name}.png", np.zeros((20, 26, 3), np.uint8))
    seen = []

    def remember(image):
        seen.append(image)
        return bicubic(image)

    stored = evaluate(remember, tmp_path / "set", scale=2)
    assert not np.any(seen)
    named = evaluate(bicubic, tmp_path / "set/LRBI/x2", targets=tmp_path / "set/HR", scale=2)
    assert named.per_image == stored.per_image


def test_a_model_is_scored_as_its_restorer_does(awsrn, sharp):
    result = evaluate(awsrn, sharp)
    assert (result.name, result.scale) == ("awsrn", 2)
    assert result.per_image == evaluate(Restorer(awsrn), sharp).per_image
    plus = evaluate(awsrn, sharp, ensemble=True)
    assert plus.as_dict()["ensemble"] is True and plus.tile is None
    assert plus.table().splitlines()[0].endswith(", scale 2, mean of 8 flips and rotations")
    assert plus.per_image == evaluate(Restorer(awsrn, ensemble=True), sharp).per_image
    assert plus.psnr != result.psnr


def test_pairs_are_found_and_scored_in_rgb(pairs):
    result = evaluate(same_size_model(), pairs)
    assert (result.name, result.protocol, result.scale) == ("double", "rgb", 1)
    low = photo(32, 40) // 4
    assert result.per_image[0].psnr == score(photo(32, 40), 2 * low, "rgb").psnr


def test_every_pair_of_folders_that_finetune_takes_is_scored(pairs):
    expected = evaluate(same_size_model(), pairs).per_image
    for first, second in (("noisy", "clean"), ("inputs", "targets")):
        (pairs / "low").rename(pairs / first)
        (pairs / "high").rename(pairs / second)
        assert evaluate(same_size_model(), pairs).per_image == expected
        (pairs / first).rename(pairs / "low")
        (pairs / second).rename(pairs / "high")


def test_results_as_json_and_as_text(pairs):
    result = evaluate(lambda image: image, pairs / "high", targets=pairs / "high")
    assert result.psnr == math.inf
    values = json.loads(json.dumps(result.as_dict(), allow_nan=False))
    assert values["psnr"] is None
    assert values["per_image"][1] == {"name": "2", "psnr": None, "ssim": 1.0}
    assert "identical" in result.table().splitlines()[-1]
    assert [line.split()[0] for line in result.table().splitlines()[2:]] == ["1", "2", "mean"]


def test_another_scale_than_the_models_is_refused(awsrn, sharp):
    with pytest.raises(EvaluationError, match="enlarges 2 times. Received scale=4"):
        evaluate(awsrn, sharp, scale=4)


def test_options_of_the_restorer_need_a_model(sharp):
    with pytest.raises(EvaluationError, match="go with a preset"):
        evaluate(bicubic, sharp, scale=2, ensemble=True)
    with pytest.raises(EvaluationError, match="Received int"):
        evaluate(3, sharp)


def test_results_of_another_size_name_the_picture(sharp):
    with pytest.raises(EvaluationError, match=r"'a' cannot be scored. .*\(80, 104, 3\)"):
        evaluate(lambda image: imresize(image, 4), sharp, scale=2)


def test_an_unknown_protocol_is_named(pairs):
    with pytest.raises(EvaluationError, match="Did you mean 'rgb'"):
        evaluate(lambda image: image, pairs, protocol="rgbb")


def test_folders_that_do_not_fit_are_refused(tmp_path, pairs, sharp):
    with pytest.raises(EvaluationError, match="is no folder"):
        evaluate(bicubic, tmp_path / "missing")
    with pytest.raises(
        EvaluationError, match="low/ and high/, or noisy/ and clean/, or inputs/ and targets/"
    ):
        evaluate(bicubic, sharp)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImageError, match="holds no picture"):
        evaluate(bicubic, tmp_path / "empty", scale=2)


def test_pictures_without_a_partner_are_all_named(pairs, sharp, tmp_path):
    for name in ("3", "4"):
        write_image(pairs / "low" / f"{name}.png", photo(8, 8))
    with pytest.raises(DataError, match=r"(?s)2 file.*3\.png.*4\.png"):
        evaluate(bicubic, pairs)
    write_image(tmp_path / "reduced/a.png", photo(20, 26))
    with pytest.raises(DataError, match=r"(?s)1 file.*b\.png"):
        evaluate(bicubic, tmp_path / "reduced", targets=sharp, scale=2)
    write_image(tmp_path / "reduced/a.bmp", photo(20, 26))
    with pytest.raises(
        DataError, match=r"(?s)2 file.*a\.png: has the same name as .*a\.bmp.*b\.png"
    ):
        evaluate(bicubic, tmp_path / "reduced", targets=sharp, scale=2)
    (tmp_path / "reduced/a.bmp").unlink()
    write_image(tmp_path / "reduced/b.png", photo(20, 25))
    with pytest.raises(DataError, match=r"\(20, 25\) pixels"):
        evaluate(bicubic, tmp_path / "reduced", targets=sharp, scale=2)
