"""Let Keras find the classes of this package, whichever of the two is imported first."""

import importlib
import importlib.abc
import os
import sys

REGISTERING = ("layers", "losses", "metrics", "models")  # modules that hold registered classes

BACKENDS = ("tensorflow", "jax")  # those under which the networks are tested
OTHERS = ("torch", "openvino")  # modules of Keras' other backends


class BackendError(ImportError):
    """Keras or the networks cannot use the backend that was chosen; the message says why."""


def register_with_keras() -> None:
    """Make `keras.saving.load_model` find every class of this package, now or once Keras is there.

    Keras finds the classes that a file names only when the modules that register them have been
    imported. Those import Keras, which takes seconds: so they are imported when Keras first asks
    for one of them.
    """
    if hasattr(sys.modules.get("keras"), "saving"):
        _import_on_demand()
    elif not any(isinstance(finder, _AfterKeras) for finder in sys.meta_path):
        sys.meta_path.insert(0, _AfterKeras())


def _import_on_demand() -> None:
    from keras.src.saving import object_registration

    find = object_registration.get_registered_object

    def find_ours_too(name, custom_objects=None, module_objects=None):
        found = find(name, custom_objects, module_objects)
        if found is not None or not str(name).startswith("mirnet_keras>"):
            return found
        for module in REGISTERING:
            importlib.import_module(f"mirnet_keras.{module}")
        return find(name, custom_objects, module_objects)

    object_registration.get_registered_object = find_ours_too


class _AfterKeras(importlib.abc.MetaPathFinder):
    """Find Keras as all other finders do, and act once it has been imported."""

    def find_spec(self, fullname, path=None, target=None):
        if fullname != "keras":
            return None
        finders = (finder for finder in sys.meta_path if finder is not self)
        found = (finder.find_spec(fullname, path, target) for finder in finders)
        spec = next((spec for spec in found if spec is not None), None)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def execute_and_act(module):
            try:
                execute(module)
            except (ImportError, ValueError) as error:
                raise _explained(error) from error
            if self in sys.meta_path:
                sys.meta_path.remove(self)
                _import_on_demand()

        spec.loader.exec_module = execute_and_act  # type: ignore[method-assign]
        return spec


def _explained(error: Exception) -> Exception:
    """Return an error that names the backend, where it is one of the backend."""
    chosen = os.environ.get("KERAS_BACKEND", "of ~/.keras/keras.json")
    absent = error.name if isinstance(error, ModuleNotFoundError) else None
    if absent in BACKENDS + OTHERS:
        reason = f"{absent} is not installed"
    elif "backend" in str(error):
        reason = str(error)
    else:
        return error
    return BackendError(
        f"Keras cannot start its backend {chosen}: {reason}. Set the environment variable "
        f"KERAS_BACKEND to {' or '.join(BACKENDS)}, whichever is installed."
    )
