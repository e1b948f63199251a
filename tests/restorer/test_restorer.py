import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image

from mirnet_keras.images import read_image, to_float, write_image
from mirnet_keras.models import AWSRN, MIRNet, MIRNetV2, RestorationModel, folding
from mirnet_keras.presets import PresetError
from mirnet_keras.restorer import Restorer, RestorerError
from mirnet_keras.symmetry import symmetry, undo_symmetry

SIZES = [(1, 1), (1, 7), (5, 3), (17, 23), (63, 65)]


def photo(height, width, dtype=np.uint8, seed=0):
    picture = np.random.default_rng(seed).random((height, width, 3))
    if dtype in (np.uint8, np.uint16):
        return (picture * np.iinfo(dtype).max).astype(dtype)
    return picture.astype(dtype)


@pytest.fixture(scope="module")
def awsrn():
    keras.utils.set_random_seed(0)
    return AWSRN(scale=2, blocks=1, units=1, filters=4, wide_filters=8)


@pytest.fixture(scope="module")
def networks(awsrn):
    keras.utils.set_random_seed(1)
    return {
        "awsrn": awsrn,
        "mirnet": MIRNet(groups=1, blocks=1, filters=8),
        "mirnet_v2": MIRNetV2(filters=8, blocks=1, convolution_groups=(1,)),
    }


@pytest.fixture(scope="module")
def litert_path(awsrn, tmp_path_factory):
    path = tmp_path_factory.mktemp("litert") / "awsrn.tflite"
    awsrn.export(str(path), format="litert", verbose=False)
    return path


@pytest.fixture
def identity(monkeypatch):
    """A model that gives its input back and records the shapes that it saw."""
    image = keras.Input((None, None, 3))
    model = RestorationModel(
        image, keras.layers.Identity()(image), network="identity", arguments={}, multiple=4
    )
    model.seen = []

    def predict(images):
        model.seen.append(images.shape)
        return images

    monkeypatch.setattr(model, "predict_on_batch", predict)
    monkeypatch.setattr(folding, "fold", lambda model: model)
    return model


@pytest.mark.filterwarnings("ignore:You are using a softmax")  # MIRNetV2 of a 4 x 4 picture
@pytest.mark.parametrize("name", ["awsrn", "mirnet", "mirnet_v2"])
def test_any_size_comes_back_exactly_scaled(networks, name):
    restorer = Restorer(networks[name])
    assert restorer.scale == networks[name].scale
    for height, width in SIZES:
        restored = restorer(photo(height, width))
        assert restored.shape == (restorer.scale * height, restorer.scale * width, 3)
        assert restored.dtype == np.uint8


def test_whole_pictures_equal_the_models_own_restore(networks):
    image = photo(17, 23)
    for model in networks.values():
        expected = model.restore(to_float(image))
        np.testing.assert_allclose(Restorer(model)(to_float(image)), expected, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_depth_follows_the_input_and_values_survive(identity, dtype):
    image = photo(19, 21, dtype)
    restored = Restorer(identity, tile=12, overlap=4)(image)
    assert restored.dtype == dtype
    np.testing.assert_array_equal(restored, image)


def test_floats_become_float32_and_are_clipped(identity):
    image = photo(5, 6, np.float64)
    image[0, 0] = (-0.25, 0.5, 1.25)
    restored = Restorer(identity)(image)
    assert restored.dtype == np.float32
    np.testing.assert_array_equal(restored, np.clip(image, 0, 1).astype(np.float32))


def test_grey_in_grey_out(identity, awsrn):
    grey = photo(9, 10)[..., 0]
    np.testing.assert_array_equal(Restorer(identity)(grey), grey)
    assert Restorer(awsrn)(grey).shape == (18, 20)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_picture_in_colour_without_colours_is_restored_as_grey(networks, dtype):
    grey = photo(9, 10, dtype)[..., 0]
    coloured = np.repeat(grey[..., None], 3, axis=-1)
    for tile in (8, None):
        restorer = Restorer(networks["mirnet_v2"], tile=tile, overlap=4)
        expected = np.repeat(restorer(grey)[..., None], 3, axis=-1)
        np.testing.assert_array_equal(restorer(coloured), expected)
    tinted = Restorer(networks["mirnet_v2"], neutral=False)(coloured)
    assert np.ptp(tinted, axis=-1).max() > 0
    coloured[0, 0, 2] += 1 if dtype != np.float32 else 0.01
    assert np.ptp(Restorer(networks["mirnet_v2"])(coloured), axis=-1).max() > 0


def test_the_network_sees_no_tile_larger_than_asked(identity):
    Restorer(identity, tile=35, overlap=8, batch=3)(photo(101, 203))
    assert {shape[1:] for shape in identity.seen} == {(32, 32, 3)}
    assert max(shape[0] for shape in identity.seen) == 3


def test_automatic_tiles_are_used_only_for_large_pictures(identity):
    restorer = Restorer(identity)
    restorer(photo(512, 512))
    assert identity.seen == [(1, 512, 512, 3)]
    restorer(photo(525, 1024))
    assert len(identity.seen) > 2
    assert {shape[1:] for shape in identity.seen[1:]} == {(528, 560, 3)}
    identity.seen.clear()
    Restorer(identity, tile=None)(photo(525, 1024))
    assert identity.seen == [(1, 528, 1024, 3)]


@pytest.mark.parametrize("border", ["reflect", "wrap"])
@pytest.mark.parametrize("ensemble", [False, True])
def test_progress_rises_to_one_with_each_row_of_tiles(identity, border, ensemble):
    told = []
    restorer = Restorer(identity, tile=12, overlap=4, border=border, ensemble=ensemble)
    image = photo(40, 30)
    np.testing.assert_array_equal(restorer(image, progress=told.append), restorer(image))
    assert len(told) >= (8 * 4 if ensemble else 4)
    assert told == sorted(set(told))
    assert 0 < told[0] < told[-1] == 1


def test_what_progress_raises_ends_the_work(identity):
    def stop(share):
        raise KeyError(share)

    with pytest.raises(KeyError):
        Restorer(identity, tile=12, overlap=4)(photo(40, 30), progress=stop)
    assert len(identity.seen) == 4  # one row of tiles


def test_tiled_equals_whole_for_a_local_network(awsrn):
    image = photo(150, 170)
    whole = Restorer(awsrn, tile=None)(to_float(image))
    tiled = Restorer(awsrn, tile=96, overlap=64)(to_float(image))
    np.testing.assert_allclose(tiled, whole, atol=1e-5)


def test_self_ensemble_is_the_mean_of_the_eight_symmetries(awsrn):
    image = to_float(photo(8, 11))
    restorer = Restorer(awsrn)
    images = [undo_symmetry(awsrn(symmetry(image, n)[None])[0].numpy(), n) for n in range(8)]
    restored = Restorer(awsrn, ensemble=True)(image)
    np.testing.assert_allclose(restored, np.clip(np.mean(images, axis=0), 0, 1), atol=1e-5)
    assert np.abs(restored - restorer(image)).max() > 1e-4


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ("photo.png", "a PIL image. Received str"),
        (np.zeros((4, 4, 4), np.uint8), r"Received shape \(4, 4, 4\)"),
        (np.zeros((3, 4, 4), np.uint8), r"Received shape \(3, 4, 4\). Channels come last"),
        ([[[0, 0, 0]]], "Received list"),
        (np.zeros((0, 4, 3), np.uint8), r"not empty. Received shape \(0, 4, 3\)"),
        (np.zeros((4, 4, 3), np.int64), "Received dtype int64"),
        (np.full((4, 4, 3), 200.0), "float image is in 0..1. Received values from 200 to 200"),
        (np.full((4, 4, 3), np.nan), "float image is in 0..1. Received values from nan"),
    ],
)
def test_what_is_no_image_is_refused(identity, image, message):
    with pytest.raises(RestorerError, match=message):
        Restorer(identity)(image)


def test_images_of_any_kind_are_taken(awsrn):
    restorer = Restorer(awsrn)
    image = photo(6, 9)
    expected = restorer(image)
    np.testing.assert_array_equal(restorer(Image.fromarray(image)), expected)
    np.testing.assert_array_equal(restorer(keras.ops.convert_to_tensor(image)), expected)
    deep = image.astype(np.uint16) * 257
    np.testing.assert_array_equal(restorer(deep.astype(">u2")), restorer(deep))
    grey = image[..., :1]
    np.testing.assert_array_equal(restorer(grey), restorer(grey[..., 0]))


def test_a_batch_is_restored_image_by_image(awsrn):
    restorer = Restorer(awsrn)
    images = np.stack([photo(6, 9, seed=seed) for seed in range(3)])
    expected = np.stack([restorer(image) for image in images])
    np.testing.assert_array_equal(restorer(images), expected)
    out = np.empty_like(expected)
    assert restorer(images, out=out) is out
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tile": "big"}, "`tile` must be"),
        ({"tile": 3}, "side of at least 4 pixels"),
        ({"tile": 16, "overlap": 16}, "`tile` must be larger than `overlap`"),
        ({"tile": 4}, "tiles of 4 pixels and overlap=2. Use tiles of at least 8"),
        ({"tile": 8, "overlap": 7}, "grid of 4. Received tiles of 8 pixels and overlap=7"),
        ({"overlap": "much"}, "`overlap` must be an integer"),
        ({"border": "mirror"}, "`border` must be one of"),
        ({"memory_budget": "lots"}, "text such as '2GB'. Received 'lots'"),
        ({"batch": 0}, "`batch` must be an integer of at least 1"),
        ({"overlap": -1}, "`overlap` must be an integer of at least 0"),
    ],
)
def test_options_that_do_not_fit_are_refused(identity, options, message):
    with pytest.raises(RestorerError, match=message):
        Restorer(identity, **options)


def test_sources_that_hold_no_model_are_refused(tmp_path):
    with pytest.raises(RestorerError, match="Received int"):
        Restorer(3)
    with pytest.raises(PresetError, match="no_such_preset"):
        Restorer("no_such_preset")
    with pytest.raises(RestorerError, match="takes 1"):
        Restorer(MIRNet(groups=1, blocks=1, filters=8, channels=1))


def test_numbers_that_are_not_finite_are_an_error_and_no_black_picture(identity, monkeypatch):
    monkeypatch.setattr(identity, "predict_on_batch", lambda images: images + np.inf)
    with pytest.raises(RestorerError, match="NaN or infinite"):
        Restorer(identity)(photo(4, 4))


def test_files_keep_their_depth_and_the_input_is_never_overwritten(identity, tmp_path):
    restorer = Restorer(identity)
    for name, dtype in (("a.png", np.uint8), ("b.png", np.uint16)):
        image = photo(6, 7, dtype)
        write_image(tmp_path / name, image)
        restorer.restore_file(tmp_path / name, tmp_path / "new" / name)
        np.testing.assert_array_equal(read_image(tmp_path / "new" / name), image)
    os.symlink(tmp_path / "a.png", tmp_path / "link.png")
    for output in ("a.png", "link.png"):
        with pytest.raises(RestorerError, match="would be lost"):
            restorer.restore_file(tmp_path / "a.png", tmp_path / output)


def test_a_keras_file_restores_as_the_model_in_it(awsrn, tmp_path):
    awsrn.save(tmp_path / "awsrn.keras")
    image = photo(12, 9)
    restored = Restorer(tmp_path / "awsrn.keras")(image)
    np.testing.assert_array_equal(restored, Restorer(awsrn)(image))


def test_a_litert_file_restores_as_the_model_in_it(awsrn, litert_path):
    restorer = Restorer(litert_path)
    assert restorer.scale == 2
    model = Restorer(awsrn)
    for height, width in [(40, 30), *SIZES]:
        image = to_float(photo(height, width))
        np.testing.assert_allclose(restorer(image), model(image), atol=1e-5)
    image = to_float(photo(70, 90))
    tiled = Restorer(litert_path, tile=48, overlap=32)(image)
    np.testing.assert_allclose(tiled, Restorer(awsrn, tile=48, overlap=32)(image), atol=1e-5)


def test_a_litert_file_of_one_size_restores_any_size(tmp_path):
    image = keras.Input((48, 40, 3), batch_size=1)
    double = keras.Model(image, keras.layers.UpSampling2D(2)(image))
    double.export(str(tmp_path / "fixed.tflite"), format="litert", verbose=False)
    restorer = Restorer(tmp_path / "fixed.tflite", overlap=24)
    assert restorer.scale == 2
    for height, width in [(1, 1), (48, 40), (20, 90), (100, 41)]:
        picture = photo(height, width)
        expected = picture.repeat(2, axis=0).repeat(2, axis=1)
        np.testing.assert_array_equal(restorer(picture), expected)


def test_litert_files_that_are_none_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no LiteRT file"):
        Restorer(tmp_path / "missing.tflite")
    (tmp_path / "text.tflite").write_text("no model")
    with pytest.raises(ValueError, match="damaged or no LiteRT file"):
        Restorer(tmp_path / "text.tflite")


def test_litert_without_its_package_says_what_to_install(litert_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(ValueError, match=r"pip install '\.\[litert\]'"):
        Restorer(litert_path)


def test_restoring_works_on_jax_without_tensorflow():
    code = (
        "import keras, numpy as np, sys\n"
        "from mirnet_keras.models import RestorationModel\n"
        "from mirnet_keras.restorer import Restorer\n"
        "image = keras.Input((None, None, 3))\n"
        "large = keras.layers.UpSampling2D(2)(image)\n"
        "model = RestorationModel(image, large, network='double', arguments={}, scale=2)\n"
        "print(Restorer(model)(np.ones((5, 6, 3), np.uint8)).sum(), 'tensorflow' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | {"KERAS_BACKEND": "jax"},
    )
    assert result.stdout.strip() == "360 False", result.stderr
