"""LiteRT files: whole numbers, batches, threads, and no Keras beside them."""

import logging
import subprocess
import sys

import keras
import numpy as np
import pytest

from mirnet_keras.export.metadata import add_metadata
from mirnet_keras.restorer import Restorer, RestorerError, plan
from mirnet_keras.restorer.litert import LiteRTError, LiteRTModel

PICTURE = np.random.default_rng(0).integers(0, 256, (45, 67, 3), np.uint8)
DOUBLED = PICTURE.repeat(2, axis=0).repeat(2, axis=1)


def write(path, size=(None, None), batch=None, dtype="float32", inputs=1):
    """A file that doubles images, of any type and shape."""
    images = [keras.Input((*size, 3), batch_size=batch, dtype=dtype) for _ in range(inputs)]
    factor = 255 if dtype == "uint8" else 1
    large = keras.layers.Rescaling(1 / factor)(images[-1])
    large = keras.layers.UpSampling2D(2)(large)
    large = keras.layers.Rescaling(factor)(large)
    if dtype == "uint8":
        large = keras.ops.cast(keras.ops.floor(large + 0.5), "uint8")
    keras.Model(images, large).export(str(path), format="litert", verbose=False)
    return path


@pytest.mark.parametrize("size", [(None, None), (32, 24)], ids=["any size", "fixed size"])
@pytest.mark.parametrize("batch", [None, 1, 3])
def test_pictures_of_any_size_come_from_files_of_any_shape(tmp_path, size, batch):
    restorer = Restorer(write(tmp_path / "x.tflite", size, batch), tile=32, overlap=8, threads=1)
    np.testing.assert_array_equal(restorer(PICTURE), DOUBLED)


def test_files_in_whole_numbers_give_the_same_picture(tmp_path):
    restorer = Restorer(write(tmp_path / "x.tflite", dtype="uint8"))
    assert restorer.scale == 2
    np.testing.assert_array_equal(restorer(PICTURE), DOUBLED)
    np.testing.assert_allclose(restorer(PICTURE / np.float32(255)), DOUBLED / 255, atol=1e-6)


def test_files_that_are_no_restoration_are_refused(tmp_path):
    with pytest.raises(LiteRTError, match="takes 2 arrays"):
        LiteRTModel(write(tmp_path / "two.tflite", inputs=2))
    image = keras.Input((8, 8, 3))
    keras.Model(image, keras.layers.Flatten()(image)).export(
        str(tmp_path / "flat.tflite"), format="litert", verbose=False
    )
    with pytest.raises(LiteRTError, match="no enlargement"):
        LiteRTModel(tmp_path / "flat.tflite")


def of_network(path, network):
    """A file that says it is of a network."""
    path.write_bytes(add_metadata(path.read_bytes(), {"network": network}))
    return path


def test_tiles_of_a_network_that_looks_at_the_whole_are_warned_of_once(tmp_path, caplog):
    path = of_network(write(tmp_path / "x.tflite"), "rcan")
    restorer = Restorer(path, tile=32)
    with caplog.at_level(logging.WARNING):
        restorer(PICTURE[:30, :30])  # one tile
        assert not caplog.records
        for _ in range(2):
            np.testing.assert_array_equal(restorer(PICTURE), DOUBLED)
    (record,) = caplog.records
    assert "x.tflite" in record.message and "Use a larger tile or memory budget" in record.message
    caplog.clear()
    Restorer(of_network(write(tmp_path / "y.tflite"), "awsrn"), tile=32)(PICTURE)
    assert not caplog.records
    Restorer(of_network(write(tmp_path / "z.tflite", (32, 32)), "rcan"))(PICTURE)
    assert "Use a file for any size, or" in caplog.text


def test_a_network_that_looks_at_the_whole_gets_half_of_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "free_memory", lambda: 100 * 2**30)
    size = (1000, 1500)
    assert Restorer(write(tmp_path / "x.tflite")).estimate(size).tiles > 1
    path = of_network(write(tmp_path / "y.tflite"), "mirnet_v2")
    assert Restorer(path).estimate(size).tile == size
    assert Restorer(path, memory_budget="1GB").estimate(size).tiles > 1
    assert Restorer(path).estimate((2100, 2100)).tiles > 1  # the result has more than 4096^2
    path = of_network(write(tmp_path / "z.tflite"), "san")  # whose memory grows with the square
    assert Restorer(path).estimate(size).tiles > 1
    monkeypatch.setattr(plan, "free_memory", lambda: 2 * 2**30)
    assert Restorer(tmp_path / "y.tflite").estimate(size).tiles > 1


def test_lack_of_memory_is_told_from_other_failures(tmp_path, monkeypatch):
    model = LiteRTModel(write(tmp_path / "x.tflite"))

    class Failing:
        def __init__(self, reason):
            self.reason = reason

        def resize_tensor_input(self, *_):
            raise RuntimeError(self.reason)

    image = np.zeros((1, 9, 9, 3), np.float32)
    monkeypatch.setattr(model, "_interpreter", Failing("Failed to allocate memory"))
    with pytest.raises(MemoryError):
        model.predict_on_batch(image)
    assert model.predict_on_batch(image).shape == (1, 18, 18, 3)  # it goes on
    monkeypatch.setattr(model, "_interpreter", Failing("node 3 failed to prepare"))
    with pytest.raises(LiteRTError, match="node 3"):
        model.predict_on_batch(image[:, :8])


def test_threads_are_for_litert_files():
    with pytest.raises(RestorerError, match="`threads` is for LiteRT files"):
        Restorer("awsrn_s_x2", threads=2)


def test_neither_keras_nor_tensorflow_nor_opencv_is_needed(tmp_path):
    path = write(tmp_path / "x.tflite")
    code = (
        "import sys\n"
        "for name in ('keras', 'tensorflow', 'jax', 'cv2', 'pydantic', 'matplotlib', 'typer'):\n"
        "    sys.modules[name] = None\n"
        "import numpy as np, mirnet_keras as mk\n"
        f"restorer = mk.Restorer({str(path)!r}, threads=1, ensemble=True)\n"
        "print(restorer(np.ones((5, 6, 3), np.uint8)).sum())"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "360", result.stderr
