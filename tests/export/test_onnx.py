import numpy as np
import pytest

from mirnet_keras.export import ExportArgumentError, ExportError, onnx, to_onnx
from mirnet_keras.models import MIRNet


@pytest.fixture(scope="module")
def mirnet():
    """A network that pads to a multiple of 4."""
    return MIRNet(groups=1, blocks=1, filters=8, rows=3, columns=1)


def test_onnxruntime_restores_any_size(mirnet, tmp_path):
    report = to_onnx(mirnet, tmp_path / "new" / "a.onnx")
    restore = onnx.open_onnx(tmp_path / "new" / "a.onnx")
    random = np.random.default_rng(0)
    for shape in ((1, 5, 3, 3), (2, 17, 23, 3)):
        images = random.random(shape, np.float32)
        np.testing.assert_allclose(restore(images), mirnet.restore(images), atol=1e-5)
    assert report.format == "onnx"
    assert report.largest_error < 1e-5
    assert report.bytes == (tmp_path / "new" / "a.onnx").stat().st_size


def test_a_file_that_differs_leaves_nothing_behind(mirnet, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx, "open_onnx", lambda path: lambda images: images)
    with pytest.raises(ExportError, match="differs from the model"):
        to_onnx(mirnet, tmp_path / "a.onnx")
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_one_sentence_and_leaves_nothing(mirnet, tmp_path, full_disk):
    with pytest.raises(ExportError, match="cannot be written: File too large"):
        to_onnx(mirnet, tmp_path / "a.onnx")
    assert not list(tmp_path.iterdir())


def test_another_suffix_is_refused(mirnet, tmp_path):
    with pytest.raises(ExportArgumentError, match=r"ends in \.onnx"):
        to_onnx(mirnet, tmp_path / "a.tflite")


def test_a_missing_package_is_named(mirnet, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx, "PACKAGES", ("onnxruntime", "no_such_package"))
    with pytest.raises(ExportError, match=r"needs no_such_package: pip install '\.\[onnx\]'"):
        to_onnx(mirnet, tmp_path / "a.onnx")


def test_an_operation_that_onnx_lacks_is_one_sentence(mirnet, tmp_path, monkeypatch):
    def fail(*arguments, **options):
        raise RuntimeError("no such operation\nand much more")

    monkeypatch.setattr(onnx._Restoring, "export", fail)
    with pytest.raises(ExportError, match=r"cannot take this model \(no such operation\)"):
        to_onnx(mirnet, tmp_path / "a.onnx")
    assert not list(tmp_path.iterdir())
