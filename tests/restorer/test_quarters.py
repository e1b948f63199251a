from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from mirnet_keras import weights
from mirnet_keras.models import RCAN
from mirnet_keras.restorer import Restorer, RestorerError, restore_in_quarters, self_ensemble

GOLDEN = Path(__file__).parents[1] / "golden" / "RCAN_chop_ensemble.safetensors"


@pytest.fixture(scope="module")
def golden():
    tensors = load_file(GOLDEN)
    parameters = {k.removeprefix("param/"): v for k, v in tensors.items() if "param/" in k}
    return tensors, weights.from_official(parameters)


def nhwc(array):
    return array.transpose(0, 2, 3, 1)[0] / 255


def relative_error(ours, theirs):
    assert ours.shape == theirs.shape
    return np.abs(ours - theirs).max() / np.abs(theirs).max()


def test_quarters_are_the_authors(golden):
    tensors, model = golden
    image = nhwc(tensors["in/x"])
    chopped = restore_in_quarters(model.predict_on_batch, image, scale=2, shave=6, smallest=700)
    assert relative_error(chopped, nhwc(tensors["out/chop"])) < 1e-5
    assert relative_error(model.predict_on_batch(image[None])[0], nhwc(tensors["out/plain"])) < 1e-5


def test_self_ensemble_is_the_authors(golden):
    tensors, model = golden
    image = nhwc(tensors["in/x_ensemble"])
    restored = self_ensemble(lambda x: model.predict_on_batch(x[None])[0], image)
    assert relative_error(restored, nhwc(tensors["out/ensemble"])) < 1e-5


def test_a_local_operation_is_the_same_in_quarters():
    image = np.random.default_rng(0).random((23, 30, 3), np.float32)
    chopped = restore_in_quarters(
        lambda x: x.repeat(2, 1).repeat(2, 2), image, scale=2, smallest=1000
    )
    np.testing.assert_array_equal(chopped, image.repeat(2, 0).repeat(2, 1))


def test_an_image_that_has_no_such_quarters_is_refused():
    with pytest.raises(RestorerError, match="sides of at least 19"):
        restore_in_quarters(lambda x: x, np.zeros((18, 40, 3), np.float32), scale=1)


def test_restorer_in_quarters(golden):
    _, model = golden
    image = np.random.default_rng(0).random((25, 31, 3), np.float32)
    expected = restore_in_quarters(model.predict_on_batch, image, scale=2).clip(0, 1)
    np.testing.assert_allclose(Restorer(model, tile="chop")(image), expected, atol=1e-5)


def test_networks_that_need_multiples_are_not_chopped():
    from mirnet_keras.models import MIRNetV2

    model = MIRNetV2(filters=8, blocks=1, convolution_groups=(1,))
    with pytest.raises(RestorerError, match="'chop'"):
        Restorer(model, tile="chop")
    assert Restorer(RCAN(groups=1, blocks=1, filters=8, reduction=4), tile="chop").tile == "chop"
