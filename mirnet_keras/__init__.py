"""Attention-based image restoration with Keras 3.

    import mirnet_keras as mk

    restorer = mk.Restorer("mirnet_lowlight_small")
    restorer.restore_file("dark.jpg", "bright.png")

Importing the package imports neither Keras nor TensorFlow: every public name is
loaded on first use, so that the Keras backend can still be chosen
(`KERAS_BACKEND`) and the command line answers at once.
"""

import importlib
from typing import TYPE_CHECKING

from mirnet_keras.registration import register_with_keras

if TYPE_CHECKING:
    from mirnet_keras import attention as attention
    from mirnet_keras import data as data
    from mirnet_keras import evaluation as evaluation
    from mirnet_keras import export as export
    from mirnet_keras import features as features
    from mirnet_keras import images as images
    from mirnet_keras import layers as layers
    from mirnet_keras import losses as losses
    from mirnet_keras import metrics as metrics
    from mirnet_keras import models as models
    from mirnet_keras import presets as presets
    from mirnet_keras import recipes as recipes
    from mirnet_keras import restorer as restorer
    from mirnet_keras import segmentation as segmentation
    from mirnet_keras import training as training
    from mirnet_keras import video as video
    from mirnet_keras import weights as weights
    from mirnet_keras.attention import attention_maps as attention_maps
    from mirnet_keras.attention import draw_attention as draw_attention
    from mirnet_keras.evaluation import evaluate as evaluate
    from mirnet_keras.losses import Charbonnier as Charbonnier
    from mirnet_keras.metrics import PSNR as PSNR
    from mirnet_keras.metrics import SSIM as SSIM
    from mirnet_keras.models.folding import fold as fold
    from mirnet_keras.models.pruning import prune_scale_branches as prune_scale_branches
    from mirnet_keras.presets import list_presets as list_presets
    from mirnet_keras.presets import load as load
    from mirnet_keras.presets import save_preset as save_preset
    from mirnet_keras.restorer import Restorer as Restorer
    from mirnet_keras.training.train import train as train

__version__ = "0.1.0"

_MODULES = (
    "attention",
    "data",
    "evaluation",
    "export",
    "features",
    "images",
    "layers",
    "losses",
    "metrics",
    "models",
    "presets",
    "recipes",
    "restorer",
    "segmentation",
    "training",
    "video",
    "weights",
)
_HOMES = {
    "Charbonnier": "losses",
    "PSNR": "metrics",
    "Restorer": "restorer",
    "SSIM": "metrics",
    "attention_maps": "attention",
    "draw_attention": "attention",
    "evaluate": "evaluation",
    "fold": "models.folding",
    "list_presets": "presets",
    "load": "presets",
    "prune_scale_branches": "models.pruning",
    "save_preset": "presets",
    "train": "training",
}
__all__ = [*_MODULES, *_HOMES]


def __getattr__(name: str):
    """Loads a public name on its first use (PEP 562)."""
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)


register_with_keras()
