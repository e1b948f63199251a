"""Register the classes of this package with Keras, whichever of the two is imported first."""

import importlib
import importlib.abc
import sys

REGISTERING = ("layers", "losses", "metrics", "models")


def register_with_keras() -> None:
    """Make `keras.saving.load_model` find every class of this package, now or once Keras is there.

    Keras finds the classes that a file names only when the modules that register them have been
    imported. These import Keras, which takes seconds; so they wait until somebody else does.
    """
    if "keras" in sys.modules:
        _import_all()
    elif not any(isinstance(finder, _AfterKeras) for finder in sys.meta_path):
        sys.meta_path.insert(0, _AfterKeras())


def _import_all() -> None:
    for name in REGISTERING:
        importlib.import_module(f"mirnet_keras.{name}")


class _AfterKeras(importlib.abc.MetaPathFinder):
    """Find Keras as all other finders do, and register once it has been imported."""

    def find_spec(self, fullname, path=None, target=None):
        if fullname != "keras":
            return None
        finders = (finder for finder in sys.meta_path if finder is not self)
        found = (finder.find_spec(fullname, path, target) for finder in finders)
        spec = next((spec for spec in found if spec is not None), None)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def execute_and_register(module):
            execute(module)
            if self in sys.meta_path:
                sys.meta_path.remove(self)
            _import_all()

        spec.loader.exec_module = execute_and_register  # type: ignore[method-assign]
        return spec
