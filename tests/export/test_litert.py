import errno
import json
from pathlib import Path

import keras
import numpy as np
import pytest

from mirnet_keras.export import ExportError, litert, litert_trial, read_metadata, to_litert
from mirnet_keras.export.litert_file import open_litert, run_litert
from mirnet_keras.models import AWSRN, HAN, MIRNet, MIRNetV2
from mirnet_keras.presets import in_float32

MODELS = {
    "awsrn": lambda: AWSRN(scale=2, blocks=1, units=1, filters=4, wide_filters=8),
    "han": lambda: HAN(scale=2, groups=2, blocks=1, filters=8, reduction=4),
    "mirnet": lambda: MIRNet(groups=1, blocks=1, filters=8, columns=1),
    "mirnet_v2": lambda: MIRNetV2(filters=8, blocks=1, convolution_groups=(1,)),
}
SIZES = [(1, 9, 14), (1, 33, 47), (2, 16, 12), (1, 3, 1), (1, 31, 20)]  # up and down
GRAPH_BYTES = 80_000


def noise(shape):
    return np.random.default_rng(0).random((*shape, 3), np.float32)


@pytest.fixture(scope="module")
def awsrn():
    keras.utils.set_random_seed(0)
    return MODELS["awsrn"]()


@pytest.mark.parametrize("name", MODELS)
def test_one_interpreter_runs_it_at_every_size(name, tmp_path):
    model = MODELS[name]()
    report = to_litert(model, tmp_path / "model.tflite")
    assert report.bytes == (tmp_path / "model.tflite").stat().st_size
    assert report.largest_error < 1e-5
    assert report.bytes < 4 * model.count_params() + GRAPH_BYTES  # no weight stands there twice
    interpreter = open_litert(tmp_path / "model.tflite")
    for size in SIZES:
        images = noise(size)
        np.testing.assert_allclose(
            run_litert(interpreter, images), model.restore(images), atol=1e-5
        )


def test_a_fixed_size_needs_no_resizing(tmp_path):
    model = MIRNet(groups=1, blocks=1, filters=8, rows=2, columns=1)
    report = to_litert(model, tmp_path / "model.tflite", shape=(24, 32))
    assert report.sizes == ((24, 32),)
    interpreter = open_litert(tmp_path / "model.tflite")
    assert interpreter.get_input_details()[0]["shape"].tolist() == [1, 24, 32, 3]
    assert interpreter.get_output_details()[0]["shape"].tolist() == [1, 24, 32, 3]
    images = noise((1, 24, 32))
    np.testing.assert_allclose(run_litert(interpreter, images), model.restore(images), atol=1e-5)


def test_a_fixed_size_that_is_no_multiple_gets_the_next_one(tmp_path):
    model = MIRNet(groups=1, blocks=1, filters=8, rows=2, columns=1)
    with pytest.raises(ValueError, match=r"Received \(23, 31\): take \(24, 32\), or 'dynamic'"):
        to_litert(model, tmp_path / "model.tflite", shape=(23, 31))


def test_a_mixed_precision_model_is_exported_in_float32(tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = MODELS["awsrn"]()
    finally:
        keras.config.set_dtype_policy("float32")
    to_litert(model, tmp_path / "model.tflite")
    images = noise((1, 9, 14))
    restored = run_litert(open_litert(tmp_path / "model.tflite"), images)
    np.testing.assert_allclose(restored, in_float32(model).restore(images), atol=1e-5)
    assert keras.config.dtype_policy().name == "float32"


def test_uint8_comes_and_goes_with_rounding_inside(awsrn, tmp_path):
    to_litert(awsrn, tmp_path / "model.tflite", io="uint8")
    interpreter = open_litert(tmp_path / "model.tflite")
    image = np.random.default_rng(0).integers(0, 256, (1, 9, 14, 3), np.uint8)
    result = interpreter.get_signature_runner("serving_default")(images=image)["restored"]
    assert result.dtype == np.uint8
    exact = awsrn.restore(image / np.float32(255)) * 255
    np.testing.assert_allclose(result, exact, atol=0.5 + 1e-3)


def test_the_file_says_what_it_is(awsrn, tmp_path):
    to_litert(awsrn, tmp_path / "model.tflite", shape=(16, 24), io="uint8")
    told = read_metadata(tmp_path / "model.tflite")
    expected = {"network": "awsrn", "scale": 2, "multiple": 1, "value_range": [0, 255]}
    assert expected.items() <= told.items()
    assert told["shape"] == [16, 24]
    signature = open_litert(tmp_path / "model.tflite").get_signature_list()
    assert signature == {"serving_default": {"inputs": ["images"], "outputs": ["restored"]}}


def test_the_report_is_kept_beside_the_file_one_entry_for_each(awsrn, tmp_path):
    for name in ("a", "b", "a"):
        report = to_litert(awsrn, tmp_path / f"{name}.tflite", shape=(16, 24))
    kept = json.loads((tmp_path / "export.json").read_text())["exports"]
    assert [entry["file"] for entry in kept] == ["b.tflite", "a.tflite"]
    assert kept[1]["operations"] == report.operations
    assert report.operations["CONV_2D"] == 6
    assert report.outside_delegate == {}
    assert report.quality.pictures == 2
    assert report.quality.loss == pytest.approx(0, abs=1e-3)
    assert report.milliseconds > 0
    for word in ("score", "6 CONV_2D", "16 x 24", "not in XNNPACK   none"):
        assert word in report.table()


def test_the_report_names_what_the_delegate_does_not_compute(awsrn, tmp_path):
    report = to_litert(awsrn, tmp_path / "model.tflite")
    assert report.outside_delegate["SHAPE"] == 1
    assert "CONV_2D" not in report.outside_delegate


@pytest.mark.parametrize(
    "content", ['{"mine": 1}', '{"exports": [{"format": 1}]}', '{"exports": [1]}']
)
def test_another_programs_export_json_is_not_overwritten(content, awsrn, tmp_path):
    (tmp_path / "export.json").write_text(content)
    with pytest.raises(ExportError, match="not a report of this package"):
        to_litert(awsrn, tmp_path / "model.tflite")
    assert [path.name for path in tmp_path.iterdir()] == ["export.json"]


@pytest.mark.parametrize(
    "wrong", [lambda x: x, lambda x: np.kron(x, np.full((1, 2, 2, 1), np.nan))]
)
def test_a_file_that_differs_leaves_the_old_one(wrong, awsrn, tmp_path, monkeypatch):
    path = tmp_path / "model.tflite"
    path.write_bytes(b"old")
    monkeypatch.setattr(litert_trial, "run_litert", lambda interpreter, images: wrong(images))
    with pytest.raises(ExportError, match="gives|differs"):
        to_litert(awsrn, path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_tensor_of_five_axes_is_refused(awsrn, tmp_path, monkeypatch):
    monkeypatch.setattr(litert_trial.graph, "HIGHEST_RANK", 3)
    with pytest.raises(ExportError, match="a tensor with 4 axes"):
        to_litert(awsrn, tmp_path / "model.tflite")
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_one_sentence_and_leaves_nothing(awsrn, tmp_path, monkeypatch):
    def write_bytes(path, content):
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", write_bytes)
    with pytest.raises(ExportError, match=r"cannot be written: No space left on device"):
        to_litert(awsrn, tmp_path / "model.tflite")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"quantization": "flot32"}, "Did you mean 'float32'"),
        ({"quantization": "int4"}, "must be one of .*'int8'.*Received 'int4'"),
        ({"quantization": "int8"}, "needs `representative`: a folder"),
        ({"quantization": "dynamic", "representative": []}, "belongs to int8 and int16x8"),
        ({"quantization": "int8", "representative": [], "mixed": "head"}, "must be 'auto' or"),
        ({"io": "int"}, "`io` must be one of"),
        ({"shape": "static"}, "`shape` must be"),
        ({"shape": (0, 4)}, "`shape` must be"),
        ({"path": "model.onnx"}, "ends in .tflite"),
        ({"pictures": []}, "`pictures` holds none"),
        ({"pictures": iter(())}, "`pictures` holds none"),
    ],
)
def test_wrong_arguments_say_what_exists(arguments, message, awsrn, monkeypatch):
    monkeypatch.setattr(litert, "convert", None)  # refused before any work
    with pytest.raises(ValueError, match=message):
        to_litert(awsrn, **{"path": "model.tflite"} | arguments)
