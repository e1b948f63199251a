"""The networks: functions that build a `RestorationModel`."""

from collections.abc import Callable

from mirnet_keras.models.awsrn import AWSRN, AWSRN_VARIANTS
from mirnet_keras.models.awsrn_folded import FoldedAWSRN
from mirnet_keras.models.folding import fold
from mirnet_keras.models.han import HAN
from mirnet_keras.models.mirnet import MIRNet
from mirnet_keras.models.mirnet_v2 import MIRNetV2
from mirnet_keras.models.pruning import prune_scale_branches, scale_branches
from mirnet_keras.models.rcan import RCAN
from mirnet_keras.models.restoration_model import RestorationModel
from mirnet_keras.models.san import SAN

MODELS: dict[str, Callable[..., RestorationModel]] = {
    "awsrn": AWSRN,
    "awsrn_folded": FoldedAWSRN,
    "han": HAN,
    "mirnet": MIRNet,
    "mirnet_v2": MIRNetV2,
    "rcan": RCAN,
    "san": SAN,
}

__all__ = [
    "AWSRN",
    "AWSRN_VARIANTS",
    "HAN",
    "MODELS",
    "RCAN",
    "SAN",
    "FoldedAWSRN",
    "MIRNet",
    "MIRNetV2",
    "RestorationModel",
    "fold",
    "prune_scale_branches",
    "scale_branches",
]
