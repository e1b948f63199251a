import numpy as np

from mirnet_keras.layers import AdaptiveWeightedResidualUnit

IMAGE = np.random.default_rng(0).standard_normal((2, 5, 7, 3)).astype(np.float32)


def built(**arguments):
    unit = AdaptiveWeightedResidualUnit(8, **arguments)
    unit.build(IMAGE.shape)
    return unit


def test_both_paths_have_a_weight():
    unit = built()
    residual = np.asarray(unit(IMAGE)) - IMAGE  # both weights start at 1
    unit.residual_scale.assign(0.5)
    unit.identity_scale.assign(-2)
    np.testing.assert_allclose(unit(IMAGE), 0.5 * residual - 2 * IMAGE, atol=1e-5)


def test_initial_scale_is_that_of_the_residual():
    unit = built(initial_scale=0)
    np.testing.assert_array_equal(unit(IMAGE), IMAGE)


def test_by_hand_on_one_pixel():
    unit = AdaptiveWeightedResidualUnit(2)
    unit.build((None, None, None, 1))
    unit.set_weights([np.zeros(w.shape, np.float32) for w in unit.get_weights()])
    for layer, centre in [(unit.expand, [[2, -2]]), (unit.project, [[3], [5]])]:
        direction = np.zeros(layer.direction.shape, np.float32)
        direction[1, 1] = centre
        layer.direction.assign(direction)
        layer.length.assign(np.sqrt(np.sum(np.square(direction), axis=(0, 1, 2))))
    unit.residual_scale.assign(1)
    unit.identity_scale.assign(1)
    pixels = np.float32([1, -1]).reshape(2, 1, 1, 1)
    # relu(2 x) * 3 + relu(-2 x) * 5 + x
    np.testing.assert_allclose(np.ravel(unit(pixels)), [7, 9], rtol=1e-6)
