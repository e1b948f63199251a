"""HAN under the authors' names."""

from collections.abc import Mapping

import numpy as np

from mirnet_keras.models import HAN
from mirnet_keras.weights import rcan
from mirnet_keras.weights.tensors import Tensor, convolution, convolution_3d, vector

BUILDER = HAN
ASSUMED = rcan.ASSUMED
SMALLEST = rcan.SMALLEST


def recognise(arrays: Mapping[str, np.ndarray]) -> dict | None:
    """The arguments of `HAN` that fit the state dict, or None."""
    if not any(key.startswith(("la.", "csa.")) for key in arrays):
        return None
    return rcan.residual_groups(arrays) | rcan.ends(arrays)


def tensors(model) -> list[Tensor]:
    """Every entry of the authors' state dict for `model`."""
    attention = model.get_layer("channel_spatial_attention")
    return [
        *rcan.head_and_tail(model),
        *rcan.body(model),
        vector("la.gamma", model.get_layer("layer_attention").gamma),
        vector("csa.gamma", attention.gamma),
        *convolution_3d("csa.conv", attention),
        *convolution("last_conv", model.get_layer("layer_fusion")),
        *convolution("last", model.get_layer("fusion")),
    ]
