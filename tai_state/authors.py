"""Who makes a change: the argument, the surrounding context, the store's actor, the host."""

import getpass
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, NamedTuple

from tai_state.codec import EMPTY, Payload, normalize_data
from tai_state.errors import InvalidDataError
from tai_state.models import ChangeMetadata


class Author(NamedTuple):
    """Who makes a change, and why."""

    changed_by: str
    reason: str
    context: Payload


@dataclass(frozen=True, slots=True)
class _Context:
    changed_by: str | None
    reason: str | None
    context: Payload


_NO_CONTEXT = _Context(None, None, EMPTY)
_current: ContextVar[_Context] = ContextVar("tai_state_change_context", default=_NO_CONTEXT)


@contextmanager
def change_context(
    *, changed_by: str | None = None, reason: str | None = None, context: Mapping[str, Any] | None = None
) -> Iterator[None]:
    """Give every change made inside, in this thread or task, an author, a reason and a context.

    What a change's own ``metadata`` says goes first; contexts nest, the inner one going first, their
    ``context`` maps merged. A plain ``with``, in both colours.

    Raises:
        InvalidDataError: A value is of the wrong type, or cannot be stored.
    """
    outer = _current.get()
    _check_text(changed_by, "changed_by")
    _check_text(reason, "reason")
    inner = _Context(
        changed_by=outer.changed_by if changed_by is None else changed_by,
        reason=outer.reason if reason is None else reason,
        context=_merged(outer.context, context),
    )
    token = _current.set(inner)
    try:
        yield
    finally:
        _current.reset(token)


def _check_text(value: object, name: str) -> None:
    if value is None:
        return
    if not isinstance(value, str):
        message = f"must be a str, not {type(value).__name__}"
        raise InvalidDataError(message, path=f"metadata.{name}")
    if name == "changed_by" and not value:
        message = "must not be empty"
        raise InvalidDataError(message, path=f"metadata.{name}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        message = f"is not valid Unicode text: {error.reason}"
        raise InvalidDataError(message, path=f"metadata.{name}") from error


def _merged(base: Payload, added: object) -> Payload:
    if added is None:
        return base
    if not isinstance(added, Mapping):
        message = f"must be a mapping, not {type(added).__name__}"
        raise InvalidDataError(message, path="metadata.context")
    return Payload.of({**base.value(), **normalize_data(dict(added), path="metadata.context")})


def default_actor() -> str:
    """Return the author where nobody named one: the Cloud Run service or job, else the user of the process."""
    service = os.environ.get("K_SERVICE") or os.environ.get("CLOUD_RUN_JOB")
    if service:
        return service
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container whose user id has no name
        return f"uid:{os.getuid()}"


def author_of(metadata: ChangeMetadata | None, actor: str) -> Author:
    """Return who makes a change: the argument, the context, the store's *actor*.

    Raises:
        InvalidDataError: *metadata* is no ChangeMetadata, or its context cannot be stored.
    """
    context = _current.get()
    if metadata is None:
        return Author(context.changed_by or actor, context.reason or "", context.context)
    _check_metadata(metadata)
    reason = metadata.reason or context.reason or ""
    return Author(metadata.changed_by, reason, _merged(context.context, metadata.context))


def _check_metadata(metadata: object) -> None:
    if not isinstance(metadata, ChangeMetadata):
        message = f"must be a ChangeMetadata, not {type(metadata).__name__}"
        raise InvalidDataError(message, path="metadata")
    _check_text(metadata.changed_by, "changed_by")
    _check_text(metadata.reason, "reason")
