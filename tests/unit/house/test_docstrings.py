"""What is exported says what it does."""

import functools
import inspect
import types
from collections.abc import Mapping
from dataclasses import dataclass

import tai_state

METHODS = (types.FunctionType, property, classmethod, staticmethod, functools.cached_property)


def undocumented(namespace: Mapping[str, object]) -> list[str]:
    """Return the public names, and the public methods of public classes, that have no docstring."""
    found = []
    for name, value in namespace.items():
        if isinstance(value, type):
            # dataclass and NamedTuple write a signature where the docstring is missing.
            if not value.__doc__ or value.__doc__.startswith(f"{value.__name__}("):
                found.append(name)
            found += [f"{name}.{method}" for method in undocumented_methods(value)]
        elif inspect.isroutine(value) and not inspect.getdoc(value):
            found.append(name)
    return found


def undocumented_methods(cls: type) -> list[str]:
    """Return the public methods and properties that *cls* has from its own package without a docstring."""
    package = cls.__module__.partition(".")[0]
    found: list[str] = []
    for owner in cls.__mro__:
        if owner.__module__.partition(".")[0] != package:
            continue
        for name, value in vars(owner).items():
            is_public_method = isinstance(value, METHODS) and not name.startswith("_")
            # An override without a docstring keeps its parent's, which getdoc finds.
            if is_public_method and name not in found and not inspect.getdoc(getattr(cls, name)):
                found.append(name)
    return found


def test_every_public_name_has_a_docstring():
    """What is exported says what it does, and so does each of its methods."""
    assert tai_state.__all__
    assert undocumented({name: getattr(tai_state, name) for name in tai_state.__all__}) == []


class Documented:
    """A public class."""

    def said(self):
        """Say what it does."""

    def unsaid(self):
        pass

    @property
    def unsaid_property(self):
        return None

    @classmethod
    def unsaid_constructor(cls):
        pass

    def _private(self):
        pass


class Heir(Documented):
    """A subclass that keeps one contract."""

    def said(self):
        return None


@dataclass
class Bare:
    field: int


def test_a_missing_docstring_is_found():
    """Classes, functions, methods and properties each need one; an override keeps its parent's."""
    methods = ["unsaid", "unsaid_property", "unsaid_constructor"]
    assert undocumented({"Documented": Documented}) == [f"Documented.{name}" for name in methods]
    assert undocumented({"Heir": Heir}) == [f"Heir.{name}" for name in methods]
    assert undocumented({"Bare": Bare, "f": lambda: None, "VALUE": 1, "plant": inspect.getdoc}) == [
        "Bare",
        "f",
    ]
