import numpy as np

from mirnet_keras.layers import MeanDownsampling, MultiScaleResidualBlockV2

IMAGE = np.random.default_rng(0).standard_normal((1, 8, 4, 8)).astype(np.float32)


def test_mean_downsampling_by_hand():
    layer = MeanDownsampling(2)
    layer.build((None, None, None, 1))
    layer.set_weights([np.float32([1, -2]).reshape(1, 1, 1, 2)])
    square = np.float32([[1, 2], [3, 6]]).reshape(1, 2, 2, 1)
    np.testing.assert_array_equal(np.ravel(layer(square)), [3, -6])


def test_flow_of_the_authors_code():
    block = MultiScaleResidualBlockV2()
    outputs = block(IMAGE)
    # Both lower rows are made from the raw input.
    top, middle = IMAGE, block.to_middle(IMAGE)
    bottom = block.to_bottom[1](block.to_bottom[0](IMAGE))
    for column in (0, 1):
        top, middle = block.blocks["top"](top), block.blocks["middle"](middle)
        bottom = block.blocks["bottom"](bottom)
        # The own row is the first input; the top is fused with the new middle.
        middle = block.fusion["middle"]([middle, block.bottom_up[column](bottom)])
        top = block.fusion["top"]([top, block.middle_up[column](middle)])
    np.testing.assert_allclose(outputs, np.asarray(block.last(top)) + IMAGE, atol=1e-6)


def test_channels_of_the_rows_are_rounded_down():
    block = MultiScaleResidualBlockV2(channel_factor=1.4)
    block.build((None, None, None, 10))
    kernels = [block.to_middle.widen.kernel, block.to_bottom[1].widen.kernel]
    assert [kernel.shape[-1] for kernel in kernels] == [14, 19]  # 10 * 1.96 = 19.6
    assert block.last.kernel.shape == (1, 1, 10, 10)


def test_biases_are_only_where_the_authors_have_them():
    block = MultiScaleResidualBlockV2(use_bias=True)
    block.build(IMAGE.shape)
    biased = {v.path for v in block.variables if v.name == "bias"}
    assert not [path for path in biased if "fusion" in path or "_up" in path or "to_" in path]
    assert len(biased) == 3 * 5 + 1  # two convolutions and three of the context; the last
