import numpy as np
import pytest
from keras import ops

from mirnet_keras.layers import AdaptiveWeightedMultiScale

IMAGE = np.random.default_rng(0).standard_normal((2, 6, 11, 4)).astype(np.float32)


def built(kernel_sizes=(3, 5, 7, 9), **kwargs):
    layer = AdaptiveWeightedMultiScale(12, kernel_sizes, **kwargs)
    layer.build(IMAGE.shape)
    return layer


def by_branches(layer, image):
    """The sum of the branches, each convolved by itself."""
    return sum(
        ops.convert_to_tensor(scale) * branch(image)
        for branch, scale in zip(layer.branches, layer.scales, strict=True)
    )


def test_equal_to_the_sum_of_its_branches():
    layer = built()
    assert [float(np.asarray(s)) for s in layer.scales] == [0.25] * 4
    for scale, value in zip(layer.scales, (0.5, -1, 2, 0.1), strict=True):
        scale.assign(value)
    np.testing.assert_allclose(layer(IMAGE), by_branches(layer, IMAGE), atol=1e-5)


def test_a_branch_with_scale_zero_is_a_branch_removed():
    full, short = built(), built((3, 7))
    for place, branch in enumerate((0, 2)):
        short.branches[place].set_weights(full.branches[branch].get_weights())
        short.scales[place].assign(full.scales[branch])
    full.scales[1].assign(0)
    full.scales[3].assign(0)
    np.testing.assert_allclose(short(IMAGE), full(IMAGE), atol=1e-6)


def test_the_order_of_the_sizes_does_not_matter():
    full, turned = built((3, 5)), built((5, 3))
    for place in (0, 1):
        turned.branches[place].set_weights(full.branches[1 - place].get_weights())
        turned.scales[place].assign(full.scales[1 - place])
    np.testing.assert_allclose(turned(IMAGE), full(IMAGE), atol=1e-6)


def test_the_kernel_is_merged_in_float32():
    exact, mixed = built(), built(dtype="mixed_bfloat16")
    mixed.set_weights(exact.get_weights())
    kernel, bias = (ops.cast(x, "bfloat16") for x in exact.merged())
    expected = ops.conv(ops.cast(IMAGE, "bfloat16"), kernel, padding="same") + bias
    np.testing.assert_array_equal(ops.cast(mixed(IMAGE), "float32"), ops.cast(expected, "float32"))


@pytest.mark.parametrize("sizes", [(), (3, 3), (3, 4)])
def test_sizes_that_make_no_sense_are_refused(sizes):
    with pytest.raises(ValueError, match="different odd sizes"):
        AdaptiveWeightedMultiScale(12, sizes)
