"""What a machine's functions say of the payload that they take."""

import inspect
import typing
from typing import Any


def payload_type(function: Any) -> Any:
    """Return how the second parameter of a guard or apply is annotated; None: not, or with anything."""
    try:
        hints = typing.get_type_hints(function)
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError, NameError, AttributeError):
        return None
    found = hints.get(names[1]) if len(names) > 1 else None
    return None if found in (None, Any, object) else found
