import keras
import numpy as np
import pytest

from mirnet_keras.export import ExportError, litert, to_litert
from mirnet_keras.export.litert import open_litert, run_litert
from mirnet_keras.models import AWSRN, MIRNet, MIRNetV2
from mirnet_keras.presets import in_float32

MODELS = {
    "awsrn": lambda: AWSRN(scale=2, blocks=1, units=1, filters=4, wide_filters=8),
    "mirnet": lambda: MIRNet(groups=1, blocks=1, filters=8, columns=1),
    "mirnet_v2": lambda: MIRNetV2(filters=8, blocks=1, convolution_groups=(1,)),
}
SIZES = [(1, 9, 14), (1, 33, 47), (2, 16, 12), (1, 3, 1), (1, 31, 20)]  # up and down


def noise(shape):
    return np.random.default_rng(0).random((*shape, 3), np.float32)


@pytest.fixture(scope="module")
def awsrn():
    return MODELS["awsrn"]()


@pytest.mark.parametrize("name", MODELS)
def test_one_interpreter_runs_it_at_every_size(name, tmp_path):
    model = MODELS[name]()
    report = to_litert(model, tmp_path / "model.tflite")
    assert report.bytes == (tmp_path / "model.tflite").stat().st_size
    assert report.largest_error < 1e-5
    interpreter = open_litert(tmp_path / "model.tflite")
    for size in SIZES:
        images = noise(size)
        np.testing.assert_allclose(
            run_litert(interpreter, images), model.restore(images), atol=1e-5
        )


def test_a_fixed_size_needs_no_resizing_and_is_padded_inside(tmp_path):
    model = MIRNet(groups=1, blocks=1, filters=8, rows=2, columns=1)
    report = to_litert(model, tmp_path / "model.tflite", shape=(22, 31))
    assert report.sizes == ((22, 31),)
    interpreter = open_litert(tmp_path / "model.tflite")
    assert interpreter.get_input_details()[0]["shape"].tolist() == [1, 22, 31, 3]
    assert interpreter.get_output_details()[0]["shape"].tolist() == [1, 22, 31, 3]
    images = noise((1, 22, 31))
    np.testing.assert_allclose(run_litert(interpreter, images), model.restore(images), atol=1e-5)


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


def test_a_file_that_differs_leaves_the_old_one(awsrn, tmp_path, monkeypatch):
    path = tmp_path / "model.tflite"
    path.write_bytes(b"old")
    monkeypatch.setattr(litert, "run_litert", lambda interpreter, images: images)
    with pytest.raises(ExportError, match="gives"):
        to_litert(awsrn, path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"quantization": "int8"}, r"must be one of \['float32'\]\. Received 'int8'"),
        ({"quantization": "flot32"}, "Did you mean 'float32'"),
        ({"shape": "static"}, "`shape` must be"),
        ({"shape": (0, 4)}, "`shape` must be"),
        ({"path": "model.onnx"}, "ends in .tflite"),
    ],
)
def test_wrong_arguments_say_what_exists(arguments, message, awsrn):
    with pytest.raises(ValueError, match=message):
        to_litert(awsrn, **{"path": "model.tflite"} | arguments)
