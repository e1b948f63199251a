import json

import pytest

from mirnet_keras.demo import demo_picture
from mirnet_keras.export import ExportArgumentError, export_preset, representative
from mirnet_keras.models import AWSRN
from mirnet_keras.presets import PresetError, check_files, read_preset, save_preset


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("presets") / "tiny"
    save_preset(
        AWSRN(scale=2, blocks=1, units=1, filters=4, wide_filters=8),
        folder,
        name="tiny",
        task="super-resolution",
        recipe="none",
        steps=0,
        trained_on="nothing",
        data_licence="none",
        scores=[],
    )
    return folder


def test_a_preset_is_exported_into_its_folder(preset):
    content = export_preset(preset)
    written = (preset / "export.json").read_text()
    assert json.loads(written) == json.loads(json.dumps(content))
    assert str(preset.parent) not in written
    assert [entry["file"] for entry in content["exports"]] == [
        "saved_model/1",
        "model_float32.tflite",
    ]
    described = read_preset(preset)
    check_files(preset, described)
    assert {"model.keras", "model_float32.tflite", "saved_model/1/saved_model.pb"} <= set(
        described.files
    )
    assert "model_float32.tflite" in (preset / "README.md").read_text()
    assert not list(preset.glob(".*"))


def test_exporting_what_is_no_preset_is_refused(tmp_path):
    with pytest.raises(PresetError, match=r"preset\.json"):
        export_preset(tmp_path)


def test_small_files_come_into_the_folder_and_go_when_not_asked_for(preset, monkeypatch):
    monkeypatch.setattr(representative, "CROPS", 2)
    photographs = [demo_picture("cat.webp")[:64, :64]]
    content = export_preset(preset, ("float16", "int8"), representative=photographs)
    litert = [entry for entry in content["exports"] if entry["format"] == "litert"]
    assert [entry["quantization"] for entry in litert] == ["float16", "int8"]
    assert content == json.loads((preset / "export.json").read_text())
    check_files(preset, read_preset(preset))
    export_preset(preset)
    assert [path.name for path in preset.glob("*.tflite")] == ["model_float32.tflite"]
    check_files(preset, read_preset(preset))


def test_every_mode_is_tried_on_all_pictures(preset):
    photographs = ((demo_picture(name)[:48, :48], None) for name in ("cat.webp", "coffee.webp"))
    content = export_preset(preset, ("float32", "float16"), pictures=photographs)
    tried = [entry["quality"]["pictures"] for entry in content["exports"] if "quality" in entry]
    assert tried == [2, 2]
    with pytest.raises(ExportArgumentError, match="`pictures` holds none"):
        export_preset(preset, pictures=[])


def test_an_export_that_fails_leaves_the_preset_as_it_was(preset):
    before = {path: path.read_bytes() for path in preset.rglob("*") if path.is_file()}
    with pytest.raises(ExportArgumentError, match="needs `representative`"):
        export_preset(preset, ("float32", "int8"))
    assert {path: path.read_bytes() for path in preset.rglob("*") if path.is_file()} == before
