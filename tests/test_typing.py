"""Editors and type checkers know what the public names are."""

import inspect

import pytest

import mirnet_keras as mk

HOMES = [name for name in mk.__all__ if inspect.ismodule(getattr(mk, name))]


def public_functions(owner):
    """The functions that a module or class offers, by name; not those that Keras calls."""
    if inspect.ismodule(owner):
        for name in getattr(owner, "__all__", []):
            value = getattr(owner, name)
            if inspect.isclass(value) or inspect.isfunction(value):
                yield from public_functions(value)
    elif inspect.isfunction(owner):
        yield f"{owner.__module__}.{owner.__qualname__}", owner
    elif owner.__module__.startswith("mirnet_keras"):
        theirs = [base for base in owner.__mro__ if not base.__module__.startswith("mirnet_keras")]
        for name, value in vars(owner).items():
            function = getattr(value, "__func__", getattr(value, "fget", value))
            own = name == "__init__" or not any(hasattr(base, name) for base in theirs)
            if (
                inspect.isfunction(function)
                and own
                and not name.startswith("_" * (name != "__init__"))
            ):
                yield from public_functions(function)


def unannotated(function):
    parameters = inspect.signature(function).parameters.values()
    missing = [
        x.name for x in parameters if x.annotation is x.empty and x.name not in ("self", "cls")
    ]
    returned = "return" in function.__annotations__ or function.__name__ == "__init__"
    return missing + ([] if returned else ["return"])


@pytest.mark.parametrize("home", HOMES)
def test_every_public_function_is_annotated(home):
    functions = dict(public_functions(getattr(mk, home)))
    assert {name: found for name, f in functions.items() if (found := unannotated(f))} == {}


def test_completion_offers_public_names_alone():
    assert dir(mk) == sorted(mk.__all__)
    assert not [name for name in dir(mk) if name.startswith("_")]
