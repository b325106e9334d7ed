"""Names of a package that are imported when they are asked for (PEP 562): nobody waits for what he does not use."""

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module


def late_names(package: str, homes: Mapping[str, Sequence[str]]) -> Callable[[str], object]:
    """Return the ``__getattr__`` of *package*, given the names that each module of *homes* defines.

    A name is looked up once, and is an attribute like any other from then on. A module of the package itself that is a
    home is an attribute, too.
    """
    modules = {name: module for module, names in homes.items() for name in names}

    def find(name: str) -> object:
        if f"{package}.{name}" in homes:
            return import_module(f"{package}.{name}")
        if name not in modules:
            message = f"module {package!r} has no attribute {name!r}"
            raise AttributeError(message, name=name, obj=sys.modules[package])
        value = getattr(import_module(modules[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    return find
