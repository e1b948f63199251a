"""Attention-based image restoration with Keras 3.

    import mirnet_keras as mk

    restorer = mk.Restorer("mirnet_lowlight_small")
    restorer.restore_file("dark.jpg", "bright.png")

Importing the package imports neither Keras nor TensorFlow: every public name is
loaded on first use, so that the Keras backend can still be chosen
(`KERAS_BACKEND`) and the command line answers at once.
"""

import importlib
import sys

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


# Keras finds the classes named in a .keras file only once they are registered, and
# they register when their modules are imported. Who has Keras already pays nothing:
# `import keras, mirnet_keras; keras.saving.load_model("x.keras")` works.
if sys.modules.get("keras"):
    for _name in ("losses", "metrics", "models"):
        importlib.import_module(f"{__name__}.{_name}")
