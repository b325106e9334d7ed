"""Operations from their JSON form, for servers and files."""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, Final

from tai_state.codec import from_json
from tai_state.errors import InvalidDataError
from tai_state.models.keys import ABSENT
from tai_state.rules.keys.field_ops import DeleteField, SetField
from tai_state.rules.keys.list_ops import AddToSet, Pop, Push, RemoveFromSet, Shift, Unshift
from tai_state.rules.keys.op import KeyOp
from tai_state.rules.keys.plain_ops import (
    CompareAndSwap,
    Decrement,
    Delete,
    Exists,
    Get,
    Increment,
    Set,
)

OPS: Final[Mapping[str, type[KeyOp]]] = {
    kind.NAME: kind
    for kind in (
        *(Get, Set, Delete, Exists, Increment, Decrement, CompareAndSwap),
        *(Push, Pop, Shift, Unshift, SetField, DeleteField, AddToSet, RemoveFromSet),
    )
}
"""Those that have a JSON form, by name; an Update has a function, and none."""


def op_from_json(text: str | bytes | Mapping[str, Any]) -> KeyOp:
    """Return the operation that ``to_json`` wrote, or that an object such as it is says.

    Raises:
        InvalidDataError: It is no such object, of an operation that is not known, or lacks an argument, or has one
            that the operation does not know.
        InvalidIdError: Its key or its id cannot be one.
    """
    told = from_json(text) if isinstance(text, str | bytes) else text
    if not isinstance(told, Mapping):
        message = "must be a JSON object"
        raise InvalidDataError(message, path="op")
    name = told.get("op")
    kind = OPS.get(name) if isinstance(name, str) else None
    if kind is None:
        message = f"{name!r} is no operation that has a JSON form; there are: {', '.join(sorted(OPS))}"
        raise InvalidDataError(message, path="op")
    known = {one.name: one for one in fields(kind)}
    unknown = sorted(str(one) for one in told if one != "op" and one not in known)
    if unknown:
        message = f"{name} has no such argument"
        raise InvalidDataError(message, path=unknown[0])
    op = object.__new__(kind)
    for one in known.values():
        value = told.get(one.name, one.default if one.default is not MISSING else _DEFAULTS.get(one.name, MISSING))
        if value is MISSING:
            message = f"{name} needs it"
            raise InvalidDataError(message, path=one.name)
        object.__setattr__(op, one.name, value)
    op.__post_init__()
    return op


_DEFAULTS: Final[Mapping[str, object]] = {"limit": None, "expected": ABSENT, "new": ABSENT}
"""What is meant by an argument that the JSON form leaves out, beside those of the classes."""
