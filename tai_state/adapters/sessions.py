"""What a session of Google's ADK is in a store: its ids, its data, and what goes where of a change of its state.

An app is a governor. A session is a state of it, whose events carry those of ADK; beside them stand what all sessions
of the app share, and what those of one user do:

    app                        the state of the app, whose keys begin with ``app:``
    u-{user}                   that of a user, whose keys begin with ``user:``
    s-{user}-{session}         a session

A user is a digest there, so that ids may be any text, and those of one user's sessions are one range.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic_core import PydanticSerializationError, to_jsonable_python

from tai_state import InvalidDataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pydantic import BaseModel

PREFIX = "adk/"
"""What the governors of apps begin with, where nobody says otherwise."""

APP_STATE = "app"
SESSIONS = "s-"
OPEN = "open"
"""The status of a session."""

CREATE, APPEND = "create", "append"
"""The actions of the events of a session."""

_APP, _USER, _TEMP = "app:", "user:", "temp:"
_DIGEST_CHARACTERS = 32


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_CHARACTERS]


def user_state(user_id: str) -> str:
    """Return the id of the state of a user."""
    return f"u-{_digest(user_id)}"


def sessions_of(user_id: str) -> str:
    """Return what the ids of a user's sessions begin with."""
    return f"{SESSIONS}{_digest(user_id)}-"


def session_state(user_id: str, session_id: str) -> str:
    """Return the id of the state of a session."""
    return sessions_of(user_id) + session_id


class Delta(NamedTuple):
    """What changes of a state: of the app's, the user's and the session's own, each without its prefix."""

    app: dict[str, Any]
    user: dict[str, Any]
    session: dict[str, Any]

    @property
    def is_shared(self) -> bool:
        """Whether other sessions see some of it."""
        return bool(self.app or self.user)


def delta_of(changes: Mapping[str, Any] | None) -> Delta:
    """Return what goes where of *changes*, as JSON has it; what is temporary goes nowhere.

    Raises:
        InvalidDataError: A value has no form in JSON; names its key.
    """
    delta = Delta({}, {}, {})
    for key, value in (changes or {}).items():
        if key.startswith(_TEMP):
            continue
        with _in_json(f"state[{key!r}]"):
            stored = to_jsonable_python(value)
        if key.startswith(_APP):
            delta.app[key.removeprefix(_APP)] = stored
        elif key.startswith(_USER):
            delta.user[key.removeprefix(_USER)] = stored
        else:
            delta.session[key] = stored
    return delta


def payloads_of(events: Iterable[BaseModel]) -> list[str]:
    """Return what is stored of the events of a turn.

    Raises:
        InvalidDataError: One has no form in JSON; names its place in the turn.
    """
    payloads: list[str] = []
    for place, event in enumerate(events):
        with _in_json(f"events[{place}]"):
            payloads.append(event.model_dump_json(exclude_none=True))
    return payloads


def joined(deltas: Iterable[Delta]) -> Delta:
    """Return what several deltas come to, one behind the other."""
    whole = Delta({}, {}, {})
    for delta in deltas:
        for into, more in zip(whole, delta, strict=True):
            into.update(more)
    return whole


@contextmanager
def _in_json(path: str) -> Iterator[None]:
    try:
        yield
    except (PydanticSerializationError, UnicodeError, ValueError) as error:
        message = f"has no form in JSON: {error}"
        raise InvalidDataError(message, path=path) from error


def merged(session: Mapping[str, Any], app: Mapping[str, Any], user: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state that a session shows."""
    return {
        **session,
        **{_APP + key: value for key, value in app.items()},
        **{_USER + key: value for key, value in user.items()},
    }
