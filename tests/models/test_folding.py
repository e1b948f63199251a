import keras
import numpy as np
import pytest

from mirnet_keras.layers import ScalarPReLU
from mirnet_keras.models import AWSRN, HAN, RCAN, SAN, MIRNet, MIRNetV2, fold

SMALL = {"groups": 2, "blocks": 1, "filters": 8, "reduction": 4}
SHIFTED = {
    "rcan": lambda **kwargs: RCAN(2, **SMALL, **kwargs),
    "han": lambda **kwargs: HAN(3, **SMALL, **kwargs),
    "han, paper": lambda **kwargs: HAN(2, **SMALL, variant="paper", **kwargs),
    "san": lambda **kwargs: SAN(4, **SMALL, **kwargs),
    "san, paper": lambda **kwargs: SAN(2, **SMALL, variant="paper", **kwargs),
}


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
        "NetworkFacts",
    }


def test_an_identity_scale_of_zero_is_refused(awsrn):
    unit = awsrn.get_layer("block_1").units[0]
    before = unit.identity_scale.numpy()
    unit.identity_scale.assign(0.0)
    with pytest.raises(ValueError, match="identity scale of 'unit_0' is 0"):
        fold(awsrn)
    unit.identity_scale.assign(before)


def test_slopes_of_any_sign_become_numbers():
    model = MIRNet(groups=1, blocks=1, filters=8)
    random = np.random.default_rng(0)
    for variable in model.variables:
        variable.assign(random.uniform(-0.4, 0.4, variable.shape))
    image = random.random((2, 12, 16, 3), np.float32)
    expected = np.asarray(model(image))
    folded = fold(model)
    np.testing.assert_allclose(np.asarray(folded(image)), expected, atol=1e-5)
    own, fixed = (
        [x for x in m._flatten_layers() if isinstance(x, ScalarPReLU)] for m in (model, folded)
    )
    assert [x.fixed_slope for x in fixed] == [
        pytest.approx(float(np.asarray(x.slope))) for x in own
    ]
    assert all(x.fixed_slope is None for x in own)


def test_a_network_with_nothing_to_fold_is_returned():
    model = MIRNetV2(filters=8, blocks=1, convolution_groups=(1,))
    assert fold(model) is model


@pytest.fixture(scope="module", params=SHIFTED)
def shifted(request):
    """A small network that ends in a mean shift, all of whose weights differ from their start."""
    keras.utils.set_random_seed(0)
    model = SHIFTED[request.param]()
    random = np.random.default_rng(0)
    for variable in model.variables:
        noise = random.uniform(-0.05, 0.05, variable.shape)
        variable.assign(np.array(variable) + noise * (1 + 255 * variable.path.endswith("bias")))
    return model


def test_a_mean_shift_of_any_matrix_is_folded(shifted):
    image = np.random.default_rng(1).random((2, 9, 13, 3), np.float32)
    before = [np.array(variable) for variable in shifted.variables]
    expected = np.asarray(shifted(image))
    folded = fold(shifted)
    np.testing.assert_allclose(np.asarray(folded(image)), expected, atol=1e-5)
    for variable, value in zip(shifted.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)


def test_the_last_mean_shift_is_gone(shifted):
    folded = fold(shifted)
    assert folded.count_params() == shifted.count_params() - 12
    kept = [layer.name for layer in shifted.layers if layer.name != "restored"]
    assert [layer.name for layer in folded.layers] == kept
    assert folded.arguments == shifted.arguments | {"folded": True}
    assert fold(folded) is folded


@pytest.mark.parametrize("white", [1.0, 255.0])
def test_the_value_range_is_folded(white):
    model = RCAN(2, **SMALL, value_range=white)
    image = np.random.default_rng(1).random((1, 8, 8, 3), np.float32)
    np.testing.assert_allclose(np.asarray(fold(model)(image)), np.asarray(model(image)), atol=1e-5)


def test_a_folded_model_is_saved_and_loaded(tmp_path):
    folded = fold(RCAN(2, **SMALL))
    folded.save(tmp_path / "folded.keras")
    loaded = keras.saving.load_model(tmp_path / "folded.keras")
    assert loaded.arguments == folded.arguments
    image = np.random.default_rng(1).random((1, 8, 8, 3), np.float32)
    np.testing.assert_array_equal(np.asarray(loaded(image)), np.asarray(folded(image)))
