"""The networks: functions that build a `RestorationModel` or a `Discriminator`."""

import functools
from collections.abc import Callable

from mirnet_keras.models.awsrn import AWSRN, AWSRN_VARIANTS
from mirnet_keras.models.awsrn_folded import FoldedAWSRN
from mirnet_keras.models.classifier_discriminator import ClassifierDiscriminator
from mirnet_keras.models.discriminator import Discriminator
from mirnet_keras.models.folding import fold
from mirnet_keras.models.han import HAN
from mirnet_keras.models.image_input import SettingError, check_settings
from mirnet_keras.models.mirnet import MIRNet
from mirnet_keras.models.mirnet_v2 import MIRNetV2
from mirnet_keras.models.outdoor_scene_seg import OutdoorSceneSeg
from mirnet_keras.models.pruning import prune_scale_branches, scale_branches
from mirnet_keras.models.rcan import RCAN
from mirnet_keras.models.restoration_model import RestorationModel
from mirnet_keras.models.rrdbnet import RRDBNet
from mirnet_keras.models.san import SAN
from mirnet_keras.models.scene_segmenter import SceneSegmenter
from mirnet_keras.models.sft_net import SFT_Net
from mirnet_keras.models.spsagan import SPSAGAN
from mirnet_keras.models.unet_discriminator import UNetDiscriminator
from mirnet_keras.models.vgg_discriminator import HALVINGS, VGGDiscriminator

MODELS: dict[str, Callable[..., RestorationModel]] = {
    "awsrn": AWSRN,
    "awsrn_folded": FoldedAWSRN,
    "han": HAN,
    "mirnet": MIRNet,
    "mirnet_v2": MIRNetV2,
    "rcan": RCAN,
    "rrdbnet": RRDBNet,
    "san": SAN,
    "spsagan": SPSAGAN,
}

DISCRIMINATORS: dict[str, Callable[..., Discriminator]] = {
    "acd": ClassifierDiscriminator,
    "unet": UNetDiscriminator,
    **{f"vgg{size}": functools.partial(VGGDiscriminator, image_size=size) for size in HALVINGS},
}

# Give or take the probabilities of classes.
SEGMENTATION_MODELS: dict[str, Callable[..., RestorationModel]] = {
    "outdoor_scene_seg": OutdoorSceneSeg,
    "scene_segmenter": SceneSegmenter,
    "sft_net": SFT_Net,
}

__all__ = [
    "AWSRN",
    "AWSRN_VARIANTS",
    "DISCRIMINATORS",
    "HAN",
    "MODELS",
    "RCAN",
    "SAN",
    "SEGMENTATION_MODELS",
    "SFT_Net",
    "SPSAGAN",
    "ClassifierDiscriminator",
    "Discriminator",
    "FoldedAWSRN",
    "MIRNet",
    "MIRNetV2",
    "OutdoorSceneSeg",
    "RRDBNet",
    "RestorationModel",
    "SceneSegmenter",
    "SettingError",
    "UNetDiscriminator",
    "VGGDiscriminator",
    "check_settings",
    "fold",
    "prune_scale_branches",
    "scale_branches",
]
