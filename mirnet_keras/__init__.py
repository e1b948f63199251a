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

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=[
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
        "weights",
    ],
    submod_attrs={
        "attention": ["attention_maps", "draw_attention"],
        "evaluation": ["evaluate"],
        "losses": ["Charbonnier"],
        "metrics": ["PSNR", "SSIM"],
        "models.folding": ["fold"],
        "models.pruning": ["prune_scale_branches"],
        "presets": ["list_presets", "load", "save_preset"],
        "restorer": ["Restorer"],
        "training": ["train"],
    },
)

# Keras finds the classes named in a .keras file only once they are registered, and
# they register when their modules are imported. Who has Keras already pays nothing:
# `import keras, mirnet_keras; keras.saving.load_model("x.keras")` works.
if "keras" in sys.modules:
    for _name in ("losses", "metrics", "models"):
        importlib.import_module(f"{__name__}.{_name}")
