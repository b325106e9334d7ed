"""Who makes a change: the argument, the surrounding context, the store's actor, the host."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from tai_state import models
from tai_state.codec import EMPTY, Payload
from tai_state.conversion import check_text, normalize_data
from tai_state.errors import CauseDepthError, ConfigurationError, InvalidDataError
from tai_state.typed import is_model

if TYPE_CHECKING:
    from pydantic import BaseModel

    from tai_state.models import ChangeMetadata


class Caused(NamedTuple):
    """That a change is made by a handler that was told of another one.

    Attributes:
        event: The other one's event.
        depth: How many changes led to it, each the cause of the next.
        most: How many may.
    """

    event: str
    depth: int
    most: int


class Author(NamedTuple):
    """Who makes a change, and why."""

    changed_by: str
    reason: str
    context: Payload
    caused: Caused | None = None


@dataclass(frozen=True, slots=True)
class _Context:
    changed_by: str | None
    reason: str | None
    context: Payload
    caused: Caused | None = None


NOBODY = _Context(None, None, EMPTY)
"""What ``signed_by`` holds where nobody surrounded the change with a ``change_context``."""

signed_by: ContextVar[_Context] = ContextVar("tai_state_change_context", default=NOBODY)


@contextmanager
def change_context(
    *, changed_by: str | None = None, reason: str | None = None, context: Mapping[str, Any] | BaseModel | None = None
) -> Iterator[None]:
    """Give every change made inside, in this thread or task, an author, a reason and a context.

    What a change's own ``metadata`` says goes first; contexts nest, the inner one going first, their
    ``context`` maps merged. A plain ``with``, in both colours.

    Raises:
        InvalidDataError: A value is of the wrong type, or cannot be stored.
    """
    outer = signed_by.get()
    inner = _Context(
        changed_by=outer.changed_by if changed_by is None else check_author(changed_by),
        reason=outer.reason if reason is None else _checked_text(reason, "metadata.reason"),
        context=_merged(outer.context, context),
        caused=outer.caused,
    )
    token = signed_by.set(inner)
    try:
        yield
    finally:
        signed_by.reset(token)


@contextmanager
def caused_by(caused: Caused | None) -> Iterator[None]:
    """Give every change made inside, in this thread or task, its cause; None: what is made inside begins anew."""
    token = signed_by.set(replace(signed_by.get(), caused=caused))
    try:
        yield
    finally:
        signed_by.reset(token)


def check_author(value: object, path: str = "metadata.changed_by") -> str:
    """Return who makes a change, as plain text: some engines would not store a subclass, a StrEnum member say.

    Raises:
        InvalidDataError: It is no text, empty, or not valid Unicode.
    """
    text = _checked_text(value, path)
    if not text:
        message = "must not be empty"
        raise InvalidDataError(message, path=path)
    return text


def checked_actor(actor: object) -> str:
    """Return the author of changes that nobody else signs.

    Raises:
        ConfigurationError: It cannot be one: it is no text, empty, or not valid Unicode.
    """
    try:
        return check_author(actor, "actor")
    except InvalidDataError as error:
        raise ConfigurationError(str(error)) from error


def _checked_text(value: object, path: str) -> str:
    if not isinstance(value, str):
        message = f"must be a str, not {type(value).__name__}"
        raise InvalidDataError(message, path=path)
    text = str.__str__(value)
    check_text(text, path)
    return text


def _merged(base: Payload, added: object) -> Payload:
    if added is None:
        return base
    if not (isinstance(added, Mapping) or is_model(added)):
        message = f"must be a mapping, not {type(added).__name__}"
        raise InvalidDataError(message, path="metadata.context")
    normal = normalize_data(dict(added) if isinstance(added, Mapping) else added, path="metadata.context")
    return Payload.of({**base.value(), **normal}, "metadata.context")


def default_actor() -> str:
    """Return the author where nobody named one: the Cloud Run service or job, else the user of the process."""
    service = os.environ.get("K_SERVICE") or os.environ.get("CLOUD_RUN_JOB")
    if service:
        return service
    import getpass  # noqa: PLC0415 - only a store that nobody signs asks for the user

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container whose user id has no name
        return f"uid:{os.getuid()}"


def author_of(metadata: ChangeMetadata | None, actor: str) -> Author:
    """Return who makes a change: the argument, the context, the store's *actor*.

    Raises:
        InvalidDataError: *metadata* is no ChangeMetadata, or its context cannot be stored.
        CauseDepthError: The change would be the end of a chain of too many that led to one another.
    """
    context = signed_by.get()
    caused = context.caused
    if caused is not None and caused.depth > caused.most:
        raise CauseDepthError(*caused)
    if metadata is None:
        return Author(context.changed_by or actor, context.reason or "", context.context, caused)
    _check_metadata(metadata)
    changed_by, reason = check_author(metadata.changed_by), _checked_text(metadata.reason, "metadata.reason")
    return Author(changed_by, reason or context.reason or "", _merged(context.context, metadata.context), caused)


def author_of_due(actor: str) -> Author:
    """Return who makes what is due: the context, or the store's *actor*; why is said of each move.

    What is due was caused by nobody: a chain of handlers ends with it.
    """
    context = signed_by.get()
    return Author(context.changed_by or actor, context.reason or "", context.context)


def _check_metadata(metadata: object) -> None:
    if not isinstance(metadata, models.ChangeMetadata):
        message = f"must be a ChangeMetadata, not {type(metadata).__name__}"
        raise InvalidDataError(message, path="metadata")
