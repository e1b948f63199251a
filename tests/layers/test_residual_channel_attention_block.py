import numpy as np

from mirnet_keras.layers import ResidualChannelAttentionBlock
from mirnet_keras.weights.tensors import convolution, dense

IMAGE = np.random.default_rng(0).standard_normal((2, 5, 7, 4)).astype(np.float32)


def test_output_and_gradients_are_the_authors(golden_units):
    golden = golden_units("RCAN_unit_blocks")
    block = ResidualChannelAttentionBlock(reduction=4)
    block.build((None, None, None, 8))
    table = [
        *convolution("rcab.body.0", block.first),
        *convolution("rcab.body.2", block.second),
        *dense("rcab.body.3.conv_du.0", block.channel.squeeze),
        *dense("rcab.body.3.conv_du.2", block.channel.excite),
    ]
    golden.fill(table)
    assert golden.error(block(golden["in/x"]), "out/rcab") < 2e-6
    errors = golden.gradient_errors(
        block, golden["in/x"], golden["in_gy/rcab"], golden["grad_in/rcab"], table
    )
    assert max(errors.values()) < 2e-3, errors


def test_by_hand_with_convolutions_that_hand_on_and_gates_of_a_half():
    block = ResidualChannelAttentionBlock(reduction=2)
    block.build(IMAGE.shape)
    identity = np.zeros((3, 3, 4, 4))
    identity[1, 1] = np.eye(4)
    block.first.set_weights([identity, np.zeros(4)])
    block.second.set_weights([-identity, np.zeros(4)])
    block.channel.set_weights([0 * w for w in block.channel.get_weights()])
    np.testing.assert_allclose(block(IMAGE), IMAGE - np.maximum(IMAGE, 0) / 2, rtol=1e-6)
