import hashlib

import keras
import numpy as np
import pytest
from keras import ops
from safetensors.numpy import save_file

from mirnet_keras.features import (
    TORCHVISION_INPUT,
    VGG16_RMS,
    vgg16_features,
    vgg19_features,
)
from mirnet_keras.images import read_image, to_float

FIRST_TWO = ("block1_conv1", "block1_conv2")
CROP_HASH = "3f66edd8e95a7bb705485a8d720e40a6285315fd12dac0102058d474fd3c6e7f"
# Of that crop before the ReLU: mean, standard deviation, first values (RMS not divided out).
REFERENCE = {
    "block1_conv2": (113.77487, 350.73750, [135.3399, -59.5679, 322.7922]),
    "block2_conv2": (-13.30696, 839.54332, [156.9376, 290.9308, -601.7239]),
    "block3_conv3": (-369.68333, 1228.37313, [914.7174, 1592.4053, -886.3976]),
    "block4_conv3": (-371.52610, 370.10252, [-68.4959, -646.7726, 123.6777]),
    "block5_conv3": (-51.11785, 39.57667, [-52.7142, -72.5843, -21.5762]),
}


@pytest.fixture(scope="module")
def weights():
    """Random weights of the first two convolutions by the names of Keras."""
    rng = np.random.default_rng(0)
    return {
        "block1_conv1.kernel": rng.standard_normal((3, 3, 3, 64)).astype(np.float32),
        "block1_conv1.bias": rng.standard_normal(64).astype(np.float32),
        "block1_conv2.kernel": rng.standard_normal((3, 3, 64, 64)).astype(np.float16),
        "block1_conv2.bias": rng.standard_normal(64).astype(np.float16),
    }


@pytest.fixture
def file_of(tmp_path):
    """`file_of(arrays)`: the path of a safetensors file with them."""

    def write(arrays):
        path = tmp_path / "weights.safetensors"
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, path)
        return path

    return write


def image(seed=0):
    return np.random.default_rng(seed).random((2, 6, 5, 3), np.float32)


def first_two(x, weights):
    """Both convolutions' maps, of the normalised image in the channel order of the weights."""
    first = ops.conv(x, weights["block1_conv1.kernel"], padding="same")
    first = first + weights["block1_conv1.bias"]
    second = ops.conv(
        ops.relu(first), weights["block1_conv2.kernel"].astype(np.float32), padding="same"
    )
    return first, second + weights["block1_conv2.bias"].astype(np.float32)


def assert_close(ours, theirs):
    theirs = ops.convert_to_numpy(theirs)
    np.testing.assert_allclose(ours, theirs, atol=2e-5 * np.abs(theirs).max())


def test_reference_activations_of_vgg16(shared):
    folder = shared / "data/features"
    crop = read_image(folder / "baboon.png")[200:264, 120:184]
    assert hashlib.sha256(crop.tobytes()).hexdigest() == CROP_HASH
    network = vgg16_features(folder / "vgg16_features_fp16.safetensors", list(REFERENCE))
    maps = network(to_float(crop)[None])
    assert set(maps) == set(REFERENCE)
    for layer, (mean, deviation, first) in REFERENCE.items():
        found = ops.convert_to_numpy(maps[layer])[0].astype(np.float64) * VGG16_RMS[layer]
        tolerance = 1e-4 * deviation
        assert found.mean() == pytest.approx(mean, abs=tolerance), layer
        assert found.std() == pytest.approx(deviation, abs=tolerance), layer
        np.testing.assert_allclose(found[0, 0, :3], first, atol=tolerance, err_msg=layer)


def test_original_weights_see_bgr_in_0_255_and_maps_are_divided(weights, file_of):
    vgg16 = vgg16_features(file_of(weights), FIRST_TWO)(image())
    vgg19 = vgg19_features(file_of(weights), FIRST_TWO)(image())
    bgr = 255 * image()[..., ::-1] - np.float32([103.939, 116.779, 123.68])
    for layer, expected in zip(FIRST_TWO, first_two(bgr, weights), strict=True):
        assert_close(vgg16[layer] * VGG16_RMS[layer], expected)
        assert_close(vgg19[layer] * 12.75, expected)


def test_torchvision_weights_see_what_they_were_trained_on(weights, file_of):
    theirs = {
        f"features.{index}.{kind}": array
        for index, layer in ((0, "block1_conv1"), (2, "block1_conv2"))
        for kind, array in (
            ("weight", weights[f"{layer}.kernel"].transpose(3, 2, 0, 1)),
            ("bias", weights[f"{layer}.bias"]),
        )
    }
    maps = vgg19_features(file_of(theirs), FIRST_TWO)(image())
    mean, deviation = (array.astype(np.float32) for array in TORCHVISION_INPUT)
    for layer, expected in zip(
        FIRST_TWO, first_two((image() - mean) / deviation, weights), strict=True
    ):
        assert_close(maps[layer], expected)


def test_the_last_map_of_vgg19_is_features_34_of_torchvision(file_of):
    wanted = {34: "block5_conv4", 28: "block5_conv1", 16: "block3_conv4", 5: "block2_conv1"}
    convolutions = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34)
    widths = [3, 64, 64, 128, 128, *4 * [256], *8 * [512]]
    arrays = {}
    for index, inputs, outputs in zip(convolutions, widths, widths[1:], strict=False):
        arrays[f"features.{index}.weight"] = np.zeros((outputs, inputs, 3, 3), np.float16)
        arrays[f"features.{index}.bias"] = np.full(outputs, index, np.float16)
    maps = vgg19_features(file_of(arrays), list(wanted.values()))(np.zeros((1, 16, 16, 3)))
    assert {int(np.unique(maps[layer]).item()): layer for layer in maps} == wanted


def test_the_file_of_keras_is_read(tmp_path):
    theirs = keras.applications.VGG16(weights=None, include_top=False)
    path = tmp_path / "vgg16.weights.h5"
    theirs.save_weights(path)
    images = np.random.default_rng(0).random((1, 32, 32, 3), np.float32)
    maps = vgg16_features(path, ["block2_conv2"])(images)
    caffe = keras.applications.vgg16.preprocess_input(255 * images)
    expected = keras.Model(theirs.input, theirs.get_layer("block2_conv2").output)(caffe)
    assert_close(ops.relu(maps["block2_conv2"]) * VGG16_RMS["block2_conv2"], expected)


def test_it_is_frozen_and_float32_under_mixed_precision(weights, file_of):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        network = vgg16_features(file_of(weights), ["block1_conv2"])
    finally:
        keras.config.set_dtype_policy("float32")
    assert not network.trainable_variables
    maps = network(image())
    assert keras.backend.standardize_dtype(maps["block1_conv2"].dtype) == "float32"


def test_a_missing_file_is_one_clear_sentence(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"VGG16.*'.*none.safetensors'.*`path`"):
        vgg16_features(tmp_path / "none.safetensors")


def test_other_files_are_refused(tmp_path, weights, file_of):
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(b"\x08\0\0\0\0\0\0\0garbage!")
    with pytest.raises(ValueError, match="damaged"):
        vgg16_features(damaged)
    with pytest.raises(ValueError, match="block2_conv1 should have"):
        vgg16_features(file_of(weights), ["block2_conv1"])
    text = tmp_path / "weights.h5"
    text.write_text("no weights")
    with pytest.raises(ValueError, match=r"VGG19.*weights.h5"):
        vgg19_features(text)


def test_an_unknown_layer_gets_the_nearest_name():
    with pytest.raises(ValueError, match="Did you mean 'block5_conv3'"):
        vgg16_features("any", ["block5_conv4"])
    with pytest.raises(ValueError, match="one or more"):
        vgg16_features("any", [])


def test_without_a_network_the_download_fails_in_one_sentence(monkeypatch):
    def fail(**_):
        raise Exception("URL fetch failure")

    monkeypatch.setattr(keras.applications, "VGG19", fail)
    with pytest.raises(ValueError, match=r"VGG19.*URL fetch failure.*`path`"):
        vgg19_features()
