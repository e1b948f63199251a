"""Every shipped SavedModel in TensorFlow 2.15: the picture that its Keras model gave."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

FOLDERS = sorted((Path(__file__).parents[1] / "saved_models").glob("*/saved_model/1"))
NAMES = [folder.parents[1].name for folder in FOLDERS]


def test_there_are_presets():
    assert FOLDERS


@pytest.mark.parametrize("folder", FOLDERS, ids=NAMES)
def test_saved_model_gives_the_same_picture(folder, reference):
    case = reference(f"preset/{folder.parents[1].name}")
    expected = case.pop("restored")
    model = tf.saved_model.load(str(folder))
    inputs = {name: tf.constant(values) for name, values in case.items()}
    restored = model.signatures["serving_default"](**inputs)["restored"].numpy()
    assert restored.shape == expected.shape
    assert np.abs(restored - expected).max() <= 1e-4


@pytest.mark.parametrize("folder", FOLDERS, ids=NAMES)
def test_saved_model_restores_files(folder, reference):
    signatures = tf.saved_model.load(str(folder)).signatures
    case = reference(f"preset/{folder.parents[1].name}")
    picture = tf.cast(tf.round(case["images"][0] * 255), tf.uint8)
    files = tf.stack([tf.io.encode_png(picture)])
    (restored,) = signatures["restore_png"](picture_bytes=files)["restored_bytes"].numpy()
    expected = case["restored"][0] * 255
    assert np.abs(tf.io.decode_png(restored).numpy() - expected).max() <= 0.51  # rounded
