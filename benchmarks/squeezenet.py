"""SqueezeNet v1.1 as a feature network for `mirnet_keras.metrics.feature_distance`."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from keras import ops
from safetensors.numpy import load_file

BGR_MEAN = np.float32([104, 117, 123])
FIRES = range(2, 10)
POOLED_FIRES = (3, 5)  # a pooling follows


def squeezenet_features(path: Path) -> Callable:
    """Return a function from RGB images to the maps of the fire modules before their ReLU.

    Iandola et al., arXiv:1602.07360, with the layout of the authors' Caffe files: no padding in the
    first convolution, poolings that round up.

    Args:
        path: .safetensors file with `conv1.kernel`, `fire2_squeeze1x1.bias` and so on.
    """
    weights = {name: array.astype(np.float32) for name, array in load_file(path).items()}

    def convolved(x, name, **options):
        return ops.conv(x, weights[f"{name}.kernel"], **options) + weights[f"{name}.bias"]

    def features(images):
        x = 255 * ops.convert_to_tensor(images)[..., ::-1] - BGR_MEAN
        x = _pooled(ops.relu(convolved(x, "conv1", strides=2)))
        maps = {}
        for fire in FIRES:
            squeezed = ops.relu(convolved(x, f"fire{fire}_squeeze1x1"))
            near = convolved(squeezed, f"fire{fire}_expand1x1")
            far = convolved(squeezed, f"fire{fire}_expand3x3", padding="same")
            maps[f"fire{fire}"] = ops.concatenate([near, far], axis=-1)
            x = ops.relu(maps[f"fire{fire}"])
            if fire in POOLED_FIRES:
                x = _pooled(x)
        return maps

    return features


def _pooled(x):
    """Maximum pooling of 3 x 3 with stride 2, an even side filled up with zeros."""
    fill = [(0, 0), *((0, 1 - side % 2) for side in x.shape[1:3]), (0, 0)]
    return ops.max_pool(ops.pad(x, fill), 3, 2)
