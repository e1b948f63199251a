import os
import subprocess
import sys

import numpy as np
import pytest

from mirnet_keras.export import ExportError, saved_model, to_saved_model
from mirnet_keras.export.saved_model import open_picture_signature
from mirnet_keras.images import decode_image, encode_image, to_float, to_uint8
from mirnet_keras.models import AWSRN, HAN, RCAN, SAN, MIRNet, MIRNetV2

SMALL = {"groups": 1, "blocks": 1, "filters": 8, "reduction": 4}
MODELS = {
    "awsrn": lambda: AWSRN(scale=2, blocks=1, units=1, filters=4, wide_filters=8),
    "han": lambda: awake(HAN(3, **SMALL)),
    "mirnet": lambda: MIRNet(groups=1, blocks=1, filters=8, rows=2, columns=1),
    "mirnet_v2": lambda: MIRNetV2(filters=8, blocks=1, convolution_groups=(1,)),
    "rcan": lambda: RCAN(2, **SMALL),
    "san": lambda: awake(SAN(2, **SMALL)),
}
SIZES = [(1, 9, 14), (2, 16, 12), (1, 3, 1)]


def awake(model):
    """The model with numbers where weights start at zero, so that no branch is switched off."""
    for variable in model.variables:
        if not np.any(variable):
            variable.assign(np.full(variable.shape, 0.1))
    return model


# What a server does: TensorFlow and the folder, and nothing of ours or of Keras.
SERVER = """
import sys
sys.modules["mirnet_keras"] = sys.modules["keras"] = None  # importing them would now fail
import numpy as np
import tensorflow as tf
pictures = [open(f"{sys.argv[1]}/{name}", "rb").read() for name in ("a.png", "b.jpg")]
for name in sys.argv[2:]:
    signatures = tf.saved_model.load(f"{sys.argv[1]}/{name}/1").signatures
    serve, restore_png = signatures["serving_default"], signatures["restore_png"]
    images = np.load(f"{sys.argv[1]}/images.npz")
    results = {key: serve(images=tf.constant(images[key]))["restored"].numpy() for key in images}
    np.savez(f"{sys.argv[1]}/{name}.npz", **results)
    restored = restore_png(picture_bytes=tf.constant(pictures))["restored_bytes"].numpy()
    for number, encoded in enumerate(restored):
        open(f"{sys.argv[1]}/{name}_{number}.png", "wb").write(encoded)
"""


@pytest.fixture(scope="module")
def images():
    random = np.random.default_rng(0)
    return {str(size): random.random((*size, 3), np.float32) for size in SIZES}


@pytest.fixture(scope="module")
def pictures():
    """Two encoded pictures of different sizes, one odd, with a soft pattern for JPEG."""
    down, right = np.mgrid[:27, :33][..., None]
    picture = to_uint8(0.5 + 0.4 * np.sin(down / 3 + np.array([0, 1, 2])) * np.cos(right / 4))
    return encode_image(picture[:14, :9], ".png"), encode_image(picture, ".jpg")


@pytest.fixture(scope="module")
def served(images, pictures, tmp_path_factory):
    """Models, export reports, what a server made of the images, and of the pictures."""
    folder = tmp_path_factory.mktemp("saved_models")
    for name, encoded in zip(("a.png", "b.jpg"), pictures, strict=True):
        (folder / name).write_bytes(encoded)
    models = {name: build() for name, build in MODELS.items()}
    reports = {name: to_saved_model(model, folder / name) for name, model in models.items()}
    np.savez(folder / "images.npz", **images)
    subprocess.run(
        [sys.executable, "-c", SERVER, str(folder), *MODELS],
        check=True,
        capture_output=True,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    restored = {
        name: [(folder / f"{name}_{number}.png").read_bytes() for number in range(2)]
        for name in MODELS
    }
    return models, reports, {name: np.load(folder / f"{name}.npz") for name in MODELS}, restored


@pytest.mark.parametrize("name", MODELS)
def test_tensorflow_alone_runs_it_at_any_size(name, served, images):
    models, _, results, _ = served
    for key, batch in images.items():
        np.testing.assert_allclose(results[name][key], models[name].restore(batch), atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_tensorflow_alone_restores_encoded_pictures(name, served, pictures):
    models, _, _, restored = served
    for encoded, result in zip(pictures, restored[name], strict=True):
        assert result.startswith(b"\x89PNG")
        expected = to_uint8(models[name].restore(to_float(decode_image(encoded))))
        received = decode_image(result)
        assert received.shape == expected.shape
        different = received != expected  # by one, where rounding is on the edge
        assert different.mean() < 2e-3
        assert np.abs(received[different] - expected[different].astype(int)).max(initial=0) <= 1


def test_a_model_of_other_channels_takes_no_pictures(tmp_path):
    import tensorflow as tf

    model = MIRNet(groups=1, blocks=1, filters=8, rows=2, columns=1, channels=1)
    to_saved_model(model, tmp_path)
    assert [*tf.saved_model.load(tmp_path / "1").signatures] == ["serving_default"]


def test_pictures_that_differ_leave_nothing_behind(served, tmp_path, monkeypatch):
    def darker(folder):
        return lambda encoded: [
            encode_image(decode_image(result) // 2, ".png")
            for result in open_picture_signature(folder)(encoded)
        ]

    monkeypatch.setattr(saved_model, "open_picture_signature", darker)
    with pytest.raises(ExportError, match="'restore_png' does not give the model's picture"):
        to_saved_model(served[0]["awsrn"], tmp_path / "new")
    assert not list((tmp_path / "new").iterdir())


@pytest.mark.parametrize("name", MODELS)
def test_the_report_says_what_was_written(name, served):
    report = served[1][name]
    assert report.format == "saved_model"
    assert report.file.endswith(f"{name}/1")
    assert report.bytes > 50_000
    assert 0 <= report.mean_error <= report.largest_error < 1e-4
    assert len(report.sizes) == 2


def test_a_model_that_differs_leaves_nothing_behind(served, tmp_path, monkeypatch):
    def off_by_a_little(folder):
        return lambda images: served[0]["awsrn"].restore(images) + np.float32(2e-4)

    monkeypatch.setattr(saved_model, "open_saved_model", off_by_a_little)
    with pytest.raises(ExportError, match="differs from the model by 0.0002"):
        to_saved_model(served[0]["awsrn"], tmp_path / "new")
    assert not list((tmp_path / "new").iterdir())


def test_a_full_disk_is_one_sentence_and_leaves_nothing(served, tmp_path, full_disk):
    with pytest.raises(ExportError, match=r"'.*/1' cannot be written: File too large\. Nothing"):
        to_saved_model(served[0]["awsrn"], tmp_path / "new")
    assert not list((tmp_path / "new").iterdir())


def test_nan_is_a_difference(served, tmp_path, monkeypatch):
    def nan(folder):
        return lambda images: served[0]["awsrn"].restore(images) * np.float32("nan")

    monkeypatch.setattr(saved_model, "open_saved_model", nan)
    with pytest.raises(ExportError, match="by nan"):
        to_saved_model(served[0]["awsrn"], tmp_path / "new")


def test_a_folder_that_is_no_saved_model_is_not_replaced(served, tmp_path):
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "letter.txt").write_text("dear")
    with pytest.raises(ExportError, match="is no SavedModel"):
        to_saved_model(served[0]["awsrn"], tmp_path)
    assert (tmp_path / "1" / "letter.txt").exists()
