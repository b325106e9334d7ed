"""What few states and events have, and only where it is used: due times, labels, causes, marks; and its fields.

A state document tells of what is due as those look who look for it: ``due_at`` is the time in force, and where that was
moved without a change, ``due_event_at`` is the one that the event says.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tai_state.codec import time_text
from tai_state.errors import PreparedError
from tai_state.frozen import quick_dataclass
from tai_state.rules.records.fields import (
    FieldError,
    take,
    take_list,
    take_or_none,
    take_time,
    take_time_or_none,
    take_version,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tai_state.documents import Value
    from tai_state.rules.records.record import Content, EventRecord, Marks, StateRecord

_MICROSECOND = timedelta(microseconds=1)


@quick_dataclass(frozen=True, slots=True)
class Due:
    """That something is to happen to a state at a time.

    Attributes:
        at: When, by the store's clock.
        action: What: an action of the machine that moves the state.
        machine: Whose workers make it happen: the name of a machine, or of a queue.
        version: Of the change that set it. That and no other: one that is set again is another one.
        after: How long after the commit of that change, where it was set so: never before that has passed.
    """

    at: datetime
    action: str
    machine: str
    version: int
    after: timedelta | None = None


@quick_dataclass(frozen=True, slots=True)
class Cause:
    """The change of which a handler was told when it made this one.

    Attributes:
        event: ``governor/state@version``, in stored ids.
        depth: How many changes led to this one, each the cause of the next; from 1 on.
    """

    event: str
    depth: int


@quick_dataclass(frozen=True, slots=True)
class Prepared:
    """That a transaction over several stores has a state in hand: nobody else changes it until that is settled.

    Attributes:
        transaction: The id of that transaction.
        coordinator: The URL of the store in which its decision is; "": it has none.
    """

    transaction: str
    coordinator: str


def prepared_from(fields: Mapping[str, Value]) -> Prepared | None:
    """Return the mark of a transaction over several stores; None: the state has none.

    Raises:
        FieldError: It is damaged.
    """
    if "prepared" not in fields:
        return None
    stored = take(fields, "prepared", dict)
    return Prepared(take(stored, "transaction", str), take(stored, "coordinator", str))


def prepared_field(mark: Prepared) -> dict[str, Value]:
    """Return the mark as documents hold it, and digests cover it."""
    return {"transaction": mark.transaction, "coordinator": mark.coordinator}


def prepared_error(record: StateRecord) -> PreparedError:
    """Return the error that says that a transaction over several stores has a state in hand, which is marked so."""
    mark = record.marks.prepared
    assert mark is not None
    return PreparedError(record.governor_id, record.state_id, mark.transaction, mark.coordinator)


@quick_dataclass(frozen=True, slots=True)
class Foreign:
    """The event of another store that a merge has as its second parent.

    Attributes:
        origin: The id of the store that made it.
        version: Its version there.
        hash: Its hash.
    """

    origin: str
    version: int
    hash: str


def labels_shown(labels: tuple[str, ...]) -> dict[str, str]:
    """Return labels as users give them: each value by its key, in which no ``=`` can be."""
    return {key: value for key, _, value in (label.partition("=") for label in labels)}


def put_occasional(fields: dict[str, Value], content: Content) -> None:
    """Put into *fields* what a state and its event have in common."""
    due = content.due
    if due is not None:
        fields["due_at"] = due.at
        fields["due_action"] = due.action
        fields["due_machine"] = due.machine
        fields["due_version"] = due.version
        if due.after is not None:
            fields["due_after"] = due.after.total_seconds()
    if content.labels:
        fields["labels"] = list(content.labels)


def put_due_marks(fields: dict[str, Value], marks: Marks) -> None:
    """Put into the *fields* of a state that is due where it is looked for, and when, if that was moved."""
    if marks.due_key:
        fields["due_key"] = marks.due_key
    if marks.due_moved_to is not None:
        fields["due_event_at"] = fields["due_at"]
        fields["due_at"] = marks.due_moved_to
    if marks.due_tries:
        fields["due_tries"] = marks.due_tries


def due_from(fields: Mapping[str, Value]) -> Due | None:
    """Return what the event of a document says to be due.

    Raises:
        FieldError: It is damaged.
    """
    if "due_at" not in fields:
        return None
    after = take_or_none(fields, "due_after", float)
    try:
        delay = None if after is None else timedelta(seconds=after)
    except (OverflowError, ValueError) as error:
        message = f"field 'due_after' is no time: {error}"
        raise FieldError(message) from error
    return Due(
        at=take_time_or_none(fields, "due_event_at") or take_time(fields, "due_at"),
        action=take(fields, "due_action", str),
        machine=take(fields, "due_machine", str),
        version=take_version(fields, "due_version"),
        after=delay,
    )


def due_marks_from(fields: Mapping[str, Value]) -> dict[str, Any]:
    """Return what the document of a state says of when and where it is due, beside its event.

    Raises:
        FieldError: It is damaged.
    """
    if "due_at" not in fields:
        return {}
    return {
        "due_key": take_or_none(fields, "due_key", str) or "",
        "due_moved_to": take_time(fields, "due_at") if fields.get("due_event_at") is not None else None,
        "due_tries": take_or_none(fields, "due_tries", int) or 0,
    }


def labels_from(fields: Mapping[str, Value]) -> tuple[str, ...]:
    """Return the labels in a document.

    Raises:
        FieldError: They are damaged.
    """
    return take_list(fields, "labels", str) if "labels" in fields else ()


def cause_from(fields: Mapping[str, Value]) -> Cause | None:
    """Return the cause in the document of an event.

    Raises:
        FieldError: It is damaged.
    """
    if "cause" not in fields:
        return None
    stored = take(fields, "cause", dict)
    return Cause(take(stored, "event", str), take(stored, "depth", int))


def cause_field(cause: Cause) -> dict[str, Any]:
    """Return a cause as documents hold it, and hashes cover it."""
    return {"event": cause.event, "depth": cause.depth}


def foreign_from(fields: Mapping[str, Value]) -> Foreign | None:
    """Return the second parent in the document of an event.

    Raises:
        FieldError: It is damaged.
    """
    if "foreign_parent" not in fields:
        return None
    stored = take(fields, "foreign_parent", dict)
    return Foreign(take(stored, "origin", str), take_version(stored), take(stored, "hash", str))


def foreign_field(foreign: Foreign) -> dict[str, Any]:
    """Return a second parent as documents hold it, and hashes cover it."""
    return {"origin": foreign.origin, "version": foreign.version, "hash": foreign.hash}


def cover_due(covered: dict[str, Any], due: Due) -> None:
    """Put into *covered* what a hash or a digest covers of what is due."""
    # In UTC, as canonical JSON has all times; without any float, of which releases of JSON writers differ.
    covered["due_at"] = time_text(due.at)
    covered["due_action"] = due.action
    covered["due_machine"] = due.machine
    covered["due_version"] = due.version
    if due.after is not None:
        covered["due_after"] = due.after // _MICROSECOND


def cover_event(covered: dict[str, Any], event: EventRecord) -> None:
    """Put into *covered* what the hash of an event covers of the fields that few have; labels are among its values."""
    if event.due is not None:
        cover_due(covered, event.due)
    if event.cause is not None:
        covered["cause"] = cause_field(event.cause)
    if event.foreign_parent is not None:
        covered["foreign_parent"] = foreign_field(event.foreign_parent)


def seconds_after(covered: int) -> float:
    """Return a delay as documents hold it, of what a hash covers of it."""
    return timedelta(microseconds=covered).total_seconds()
