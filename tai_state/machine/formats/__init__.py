"""Definitions in other formats: SCXML, XState's JSON and Amazon States Language, as far as they are flat.

A machine has one status at a time, actions that somebody asks for, and guards and reducers by name. What a definition
has beyond that (states within states, several at once, effects, data) is left out, and each of it is named with its
place: nothing is dropped in silence.
"""

import json
from collections.abc import Callable
from typing import Any, Final

from tai_state.errors import InvalidDataError
from tai_state.machine.formats import asl, scxml, xstate
from tai_state.machine.formats.draft import Converted, LeftKind, LeftOut, unreadable

__all__ = ["FORMATS", "Converted", "LeftKind", "LeftOut", "converted"]

FORMATS: Final = ("scxml", "xstate", "asl")

_JSON: Final[dict[str, Callable[[dict[str, Any], str], Converted]]] = {
    "xstate": xstate.converted,
    "asl": asl.converted,
}


def converted(text: str, *, name: str, format: str | None = None) -> Converted:  # noqa: A002 - the plain word for it
    """Return what the definition in *text* comes to.

    Args:
        name: What the machine is called where the definition has no name of its own.
        format: "scxml", "xstate" or "asl"; None: as the text looks.

    Raises:
        InvalidMachineError: It is none in that format, or in none of them; or not even XML or JSON.
        InvalidDataError: There is no such format.
    """
    if format not in {None, *FORMATS}:
        message = f"must be one of {', '.join(FORMATS)}, not {format!r}"
        raise InvalidDataError(message, path="format")
    if format == "scxml" or (format is None and text.lstrip().startswith("<")):
        return scxml.converted(text, name)
    value = _object(text)
    found = format or ("asl" if "StartAt" in value else "xstate" if "states" in value else None)
    if found is None:
        message = 'it is none of these: SCXML, XState (a JSON object with "states"), Amazon States Language ("StartAt")'
        raise unreadable(message)
    return _JSON[found](value, name)


def _object(text: str) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in value if names.count(name) > 1)
            message = f"the JSON has the key {twice!r} more than once in one object"
            raise unreadable(message)
        return value

    try:
        value = json.loads(text, object_pairs_hook=once)
    except (json.JSONDecodeError, RecursionError) as error:
        message = f"the text is no JSON: {error}"
        raise unreadable(message) from error
    if not isinstance(value, dict):
        message = f"the JSON is a {type(value).__name__}, and no object"
        raise unreadable(message)
    return value
