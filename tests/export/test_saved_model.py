import json
import os
import subprocess
import sys

import numpy as np
import pytest

from mirnet_keras.export import ExportError, export_preset, saved_model, to_saved_model
from mirnet_keras.models import AWSRN, HAN, RCAN, SAN, MIRNet, MIRNetV2
from mirnet_keras.presets import PresetError, check_files, read_preset, save_preset

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


# What a server does: TensorFlow and the folder, and nothing of ours.
SERVER = """
import sys
sys.modules["mirnet_keras"] = None  # importing it would now fail
import numpy as np
import tensorflow as tf
for name in sys.argv[2:]:
    serve = tf.saved_model.load(f"{sys.argv[1]}/{name}/1").signatures["serving_default"]
    images = np.load(f"{sys.argv[1]}/images.npz")
    results = {key: serve(images=tf.constant(images[key]))["restored"].numpy() for key in images}
    np.savez(f"{sys.argv[1]}/{name}.npz", **results)
"""


@pytest.fixture(scope="module")
def images():
    random = np.random.default_rng(0)
    return {str(size): random.random((*size, 3), np.float32) for size in SIZES}


@pytest.fixture(scope="module")
def served(images, tmp_path_factory):
    """Models, export reports, and what a server made of the images."""
    folder = tmp_path_factory.mktemp("saved_models")
    models = {name: build() for name, build in MODELS.items()}
    reports = {name: to_saved_model(model, folder / name) for name, model in models.items()}
    np.savez(folder / "images.npz", **images)
    subprocess.run(
        [sys.executable, "-c", SERVER, str(folder), *MODELS],
        check=True,
        capture_output=True,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    return models, reports, {name: np.load(folder / f"{name}.npz") for name in MODELS}


@pytest.mark.parametrize("name", MODELS)
def test_tensorflow_alone_runs_it_at_any_size(name, served, images):
    models, _, results = served
    for key, batch in images.items():
        np.testing.assert_allclose(results[name][key], models[name].restore(batch), atol=1e-5)


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


def test_a_preset_is_exported_into_its_folder(served, tmp_path):
    folder = tmp_path / "tiny"
    save_preset(
        served[0]["awsrn"],
        folder,
        name="tiny",
        task="super-resolution",
        recipe="none",
        steps=0,
        trained_on="nothing",
        data_licence="none",
        scores=[],
    )
    content = export_preset(folder)
    assert json.loads((folder / "export.json").read_text()) == json.loads(json.dumps(content))
    assert str(tmp_path) not in (folder / "export.json").read_text()
    assert [entry["file"] for entry in content["exports"]] == [
        "saved_model/1",
        "model_float32.tflite",
    ]
    preset = read_preset(folder)
    check_files(folder, preset)
    assert {"model.keras", "model_float32.tflite", "saved_model/1/saved_model.pb"} <= set(
        preset.files
    )
    assert "model_float32.tflite" in (folder / "README.md").read_text()
    assert not list(folder.glob(".*"))


def test_exporting_what_is_no_preset_is_refused(tmp_path):
    with pytest.raises(PresetError, match=r"preset\.json"):
        export_preset(tmp_path)
