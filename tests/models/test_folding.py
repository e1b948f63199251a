import numpy as np
import pytest

from mirnet_keras.models import AWSRN, MIRNetV2, fold


@pytest.fixture(scope="module")
def awsrn():
    """A small AWSRN whose scales, biases and lengths are all different from their start."""
    model = AWSRN(scale=2, blocks=2, units=2, filters=4, wide_filters=8, kernel_sizes=(3, 5))
    random = np.random.default_rng(0)
    for variable in model.variables:
        noise = random.uniform(0.2, 1.0, variable.shape) * random.choice([-1, 1], variable.shape)
        variable.assign(noise)
    return model


def test_folded_gives_the_same_picture_up_to_the_border(awsrn):
    image = np.random.default_rng(1).random((2, 9, 13, 3), np.float32)
    expected = np.asarray(awsrn(image))
    np.testing.assert_allclose(
        np.asarray(fold(awsrn)(image)), expected, atol=1e-5 * np.abs(expected).max()
    )


def test_folded_has_plain_kernels_only(awsrn):
    folded = fold(awsrn)
    branches = awsrn.get_layer("reconstruction").count_params()
    one = folded.get_layer("reconstruction").count_params()
    assert one == 5 * 5 * 4 * 12 + 12 < branches
    assert {type(layer).__name__ for layer in folded.layers} == {
        "InputLayer",
        "Rescaling",
        "Conv2D",
        "Add",
        "Concatenate",
        "PixelShuffle",
    }


def test_an_identity_scale_of_zero_is_refused(awsrn):
    unit = awsrn.get_layer("block_1").units[0]
    before = unit.identity_scale.numpy()
    unit.identity_scale.assign(0.0)
    with pytest.raises(ValueError, match="identity scale of 'unit_0' is 0"):
        fold(awsrn)
    unit.identity_scale.assign(before)


def test_a_network_with_nothing_to_fold_is_returned():
    model = MIRNetV2(filters=8, blocks=1, convolution_groups=(1,))
    assert fold(model) is model
