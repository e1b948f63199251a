import sys

import keras
import numpy as np
import pytest

from mirnet_keras.export import (
    ExportError,
    RepresentativeError,
    quantization,
    representative,
    to_litert,
)
from mirnet_keras.export.litert_file import open_litert, run_litert
from mirnet_keras.export.representative import representative_crops
from mirnet_keras.images import read_image, write_image
from mirnet_keras.models import AWSRN, RCAN


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return AWSRN(scale=2, blocks=1, units=2, filters=16, wide_filters=32)


@pytest.fixture(scope="module")
def photographs():
    folder = quantization.__file__.replace("export/quantization.py", "demo_images/")
    return [read_image(folder + name)[:96, :128] for name in ("cat.webp", "coffee.webp")]


@pytest.fixture(autouse=True)
def few_crops(monkeypatch):
    monkeypatch.setattr(representative, "CROPS", 4)


@pytest.mark.parametrize(
    ("mode", "decibels", "size"),
    [("float16", 75, 0.6), ("dynamic", 40, 0.5), ("int8", 35, 0.5), ("int16x8", 45, 0.5)],
)
def test_modes_are_smaller_and_near(mode, decibels, size, model, photographs, tmp_path):
    calibration = {"representative": photographs} if mode in quantization.CALIBRATED else {}
    report = to_litert(
        model,
        tmp_path / "model.tflite",
        shape=(64, 64),
        quantization=mode,
        accept_loss=True,
        **calibration,
    )
    assert report.quality.psnr_to_model > decibels
    assert report.bytes < size * report.float32_bytes
    assert "% of float32" in report.table()


def test_int8_takes_any_size_and_whole_numbers(model, photographs, tmp_path):
    to_litert(
        model,
        tmp_path / "model.tflite",
        quantization="int8",
        io="uint8",
        representative=photographs,
        accept_loss=True,
    )
    interpreter = open_litert(tmp_path / "model.tflite")
    for size in ((96, 128), (33, 47)):
        picture = photographs[0][: size[0], : size[1]][None] / np.float32(255)
        np.testing.assert_allclose(
            run_litert(interpreter, picture), model.restore(picture), atol=0.1
        )


def test_a_loss_beyond_the_limit_is_refused_unless_accepted(
    model, photographs, tmp_path, monkeypatch
):
    monkeypatch.setitem(quantization.LIMITS, "int8", -1.0)
    arguments = {"shape": (64, 64), "quantization": "int8", "representative": photographs}
    with pytest.raises(ExportError, match="int8 takes .* dB from the score, -1 dB is allowed"):
        to_litert(model, tmp_path / "model.tflite", **arguments)
    assert not list(tmp_path.iterdir())
    to_litert(model, tmp_path / "model.tflite", **arguments, accept_loss=True)


def test_named_layers_stay_in_float32(model, photographs, tmp_path):
    arguments = {"shape": (64, 64), "quantization": "int8", "representative": photographs}
    reports = [
        to_litert(model, tmp_path / f"{number}.tflite", **arguments, mixed=names, accept_loss=True)
        for number, names in enumerate([None, ["head", "block_0_unit_1_expand"]])
    ]
    assert reports[1].bytes > reports[0].bytes
    assert reports[1].quality.psnr_to_model > reports[0].quality.psnr_to_model
    assert "kept in float32  head, block_0_unit_1_expand" in reports[1].table()


def test_auto_tries_one_layer_after_the_other_and_shows_the_table(model, photographs, tmp_path):
    told = []
    report = to_litert(
        model,
        tmp_path / "model.tflite",
        shape=(64, 64),
        quantization="int8",
        representative=photographs,
        mixed="auto",
        accept_loss=True,
        tell=told.append,
    )
    (table,) = told
    for name in ("head", "block_0_unit_0_expand", "block_0_fuse", "reconstruction", "skip"):
        assert name in table
    assert table.count("kept") == len(report.in_float)


def test_a_dead_squeeze_gets_a_floor_and_the_file_starts(photographs, tmp_path):
    keras.utils.set_random_seed(0)
    network = AWSRN(scale=2, blocks=1, units=1, filters=8, wide_filters=8)
    expand = next(layer for layer in network.layers if layer.name == "block_0").units[0].expand
    expand.bias.assign(np.full(8, -100.0))  # behind it, ReLU gives nothing but 0
    report = to_litert(
        network,
        tmp_path / "model.tflite",
        shape=(32, 32),
        quantization="int8",
        representative=photographs,
        accept_loss=True,
    )
    assert len(report.dead_ranges) == 1
    assert "expand" in report.dead_ranges[0]
    assert report.outside_delegate == {}
    assert "given a floor" in report.table()


def test_channel_attention_with_a_dead_squeeze_starts(photographs, tmp_path):
    network = RCAN(scale=2, groups=1, blocks=1, filters=8, reduction=4)
    for variable in network.variables:
        if "attention" in variable.path:
            variable.assign(0 * variable)
    to_litert(
        network,
        tmp_path / "model.tflite",
        shape=(32, 32),
        quantization="int8",
        representative=photographs,
        accept_loss=True,
    )


def test_without_the_package_one_sentence_says_what_to_install(model, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_quantizer", None)
    with pytest.raises(ExportError, match=r"pip install '\.\[export\]'"):
        to_litert(model, tmp_path / "model.tflite", quantization="float16")


@pytest.mark.parametrize(
    ("pictures", "message"),
    [
        ([], "holds no picture"),
        ([np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)], "are noise"),
        ([np.random.default_rng(0).normal(0.5, 0.1, (64, 64, 3)).clip(0, 1)], "are noise"),
        ([np.full((64, 64, 3), 99, np.uint8)], "are of one colour"),
        ([np.zeros((64, 64, 1), np.uint8)], r"is \(height, width, 3\)\. Received \(64, 64, 1\)"),
    ],
)
def test_pictures_that_tell_nothing_are_refused(pictures, message):
    with pytest.raises(RepresentativeError, match=message):
        representative_crops(pictures, (48, 48))


def test_crops_come_from_all_pictures_folders_and_batches(photographs, tmp_path):
    for number, picture in enumerate(photographs):
        write_image(tmp_path / f"{number}.png", picture)
    crops = representative_crops(tmp_path, (48, 48))
    assert crops.shape == (4, 48, 48, 3)
    np.testing.assert_array_equal(crops, representative_crops([np.stack(photographs)], (48, 48)))
    np.testing.assert_array_equal(sorted({float(crop.mean() > 0.35) for crop in crops}), [0.0, 1.0])
