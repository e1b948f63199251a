"""Our PSNR and SSIM against those that people use beside the addons, TensorFlow's."""

import pytest
import tensorflow as tf


@pytest.mark.parametrize("name", ["psnr", "ssim"])
def test_scores(reference, name):
    case = reference("scores")
    theirs = float(getattr(tf.image, name)(case["truth"], case["noisy"], max_val=1.0))
    assert float(case[name]) == pytest.approx(theirs, rel=1e-5)
    assert float(case[f"{name}_metric"]) == pytest.approx(theirs, rel=1e-5)
