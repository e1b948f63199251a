import numpy as np

from mirnet_keras.layers import ResidualBlock

IMAGE = np.random.default_rng(0).standard_normal((2, 5, 7, 4)).astype(np.float32)


def test_by_hand_with_convolutions_that_hand_on():
    block = ResidualBlock()
    block.build(IMAGE.shape)
    identity = np.zeros((3, 3, 4, 4))
    identity[1, 1] = np.eye(4)
    block.first.set_weights([identity, np.zeros(4)])
    block.second.set_weights([-identity, np.arange(4)])
    # No activation behind the second: a negative result stays.
    np.testing.assert_allclose(block(IMAGE), IMAGE - np.maximum(IMAGE, 0) + np.arange(4), rtol=1e-6)
