import numpy as np

from mirnet_keras.layers import LocalFusionBlock

IMAGE = np.random.default_rng(0).standard_normal((2, 5, 7, 3)).astype(np.float32)


def built():
    block = LocalFusionBlock(units=3, wide_filters=8)
    block.build(IMAGE.shape)
    return block


def test_units_in_series_and_all_of_their_outputs_fused():
    block = built()
    block.residual_scale.assign(0.5)
    block.identity_scale.assign(3)
    outputs, x = [], IMAGE
    for unit in block.units:
        x = unit(x)
        outputs.append(np.asarray(x))
    fused = block.fuse(np.concatenate(outputs, axis=-1))
    np.testing.assert_allclose(block(IMAGE), 0.5 * np.asarray(fused) + 3 * IMAGE, atol=1e-5)


def test_the_first_unit_comes_first_in_the_fusion():
    block = built()
    for u, unit in enumerate(block.units):  # unit u multiplies by u + 2
        unit.residual_scale.assign(0)
        unit.identity_scale.assign(u + 2)
    direction = np.zeros(block.fuse.direction.shape, np.float32)
    direction[1, 1, :3] = np.eye(3)
    block.fuse.direction.assign(direction)
    block.fuse.length.assign(np.ones(3))
    block.fuse.bias.assign(np.zeros(3))
    np.testing.assert_allclose(block(IMAGE), 2 * IMAGE + IMAGE, rtol=1e-5)
