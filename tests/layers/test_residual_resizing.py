import keras
import numpy as np

from mirnet_keras.layers import (
    BlurPool,
    ResidualDownsampling,
    ResidualDownsamplingChain,
    ResidualUpsampling,
    ResidualUpsamplingChain,
)

IMAGE = np.random.default_rng(0).standard_normal((2, 4, 6, 4)).astype(np.float32)


def silenced(layer_class, *paths):
    """A resizing whose weights are zero but for slopes and the named 1 x 1 convolutions."""
    layer = layer_class()
    layer.build(IMAGE.shape)
    for variable in layer.variables:
        if len(variable.shape):
            variable.assign(np.zeros(variable.shape))
    for path in paths:
        kernel = getattr(layer, path).kernel
        kernel.assign(np.eye(*kernel.shape[2:])[None, None])
    return layer


def test_the_lower_path_of_downsampling_is_a_blur():
    outputs = np.asarray(silenced(ResidualDownsampling, "shortcut")(IMAGE))
    np.testing.assert_allclose(outputs[..., :4], BlurPool()(IMAGE), rtol=1e-6)
    assert (outputs[..., 4:] == 0).all()


def test_the_upper_path_of_downsampling_has_two_slopes():
    layer = silenced(ResidualDownsampling, "reduce", "widen")
    identity = np.zeros((3, 3, 4, 4))
    identity[1, 1] = np.eye(4)
    layer.filter.set_weights([identity])
    features = np.where(IMAGE > 0, IMAGE, IMAGE / 16)  # a quarter of a quarter
    outputs = np.asarray(layer(IMAGE))
    np.testing.assert_allclose(outputs[..., :4], BlurPool()(features), atol=1e-6)


def test_the_lower_path_of_upsampling_is_bilinear():
    outputs = silenced(ResidualUpsampling, "shortcut")(IMAGE)
    expected = keras.ops.image.resize(IMAGE[..., :2], (8, 12), "bilinear")
    np.testing.assert_allclose(outputs, expected, atol=1e-6)


def test_the_transposed_convolution_lies_as_in_the_authors_code():
    """Padding 1, output padding 1: out[2 i - 1 + a, 2 j - 1 + b] += x[i, j] w[a, b]."""
    layer = silenced(ResidualUpsampling, "reduce", "narrow")
    kernel = np.arange(1, 10, dtype=np.float32).reshape(3, 3)
    weights = np.zeros((3, 3, 4, 4), np.float32)
    weights[..., 0, 0] = kernel
    layer.enlarge.set_weights([weights])
    for row in range(3):
        for column in range(3):
            image = np.zeros((1, 3, 3, 4), np.float32)
            image[0, row, column, 0] = 1
            expected = np.zeros((6 + 2, 6 + 2))  # a frame of one pixel, cut off
            expected[2 * row : 2 * row + 3, 2 * column : 2 * column + 3] = kernel
            found = np.asarray(layer(image))[0, ..., 0]
            np.testing.assert_array_equal(found, expected[1:-1, 1:-1])


def test_chains_are_resizings_in_a_row():
    for chain_class, step_class in [
        (ResidualDownsamplingChain, ResidualDownsampling),
        (ResidualUpsamplingChain, ResidualUpsampling),
    ]:
        chain = chain_class(2)
        expected = image = IMAGE
        outputs = chain(image)
        assert [type(step) for step in chain.steps] == [step_class] * 2
        for step in chain.steps:
            expected = step(expected)
        np.testing.assert_array_equal(outputs, expected)
        assert not set(map(id, chain.steps[0].variables)) & set(map(id, chain.steps[1].variables))
