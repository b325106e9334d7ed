"""What a command is given as code: ``module:name``, imported as ``python -m`` would find it."""

import sys
from importlib import import_module
from typing import Any, TypeVar

import click

T = TypeVar("T")


def object_at(place: str, kind: type[T]) -> T:
    """Import what stands at *place*, ``module:name`` or ``module:name.part``; modules of the working folder, too.

    Raises:
        UsageError: There is none, the module cannot be imported, or what stands there is of another kind.
    """
    module_name, colon, name = place.partition(":")
    if not (module_name and colon and name):
        raise click.UsageError(f"{place!r} is no module:name")
    # As `python -m` has it; the command itself stands in a folder of its own.
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        found: Any = import_module(module_name)
    except Exception as error:  # whatever the module raises
        message = f"module {module_name!r} cannot be imported: {type(error).__name__}: {error}"
        raise click.UsageError(message) from error
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError as error:
            raise click.UsageError(f"module {module_name!r} has no {name!r}") from error
    if not isinstance(found, kind):
        raise click.UsageError(f"{place} is no {kind.__name__}, it is {type(found).__name__}")
    return found
