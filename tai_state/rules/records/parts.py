"""The parts of records, taken from the fields of documents."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tai_state.documents import Value
from tai_state.rules.records.fields import (
    FieldError,
    take,
    take_counters,
    take_list,
    take_object,
    take_or_none,
    take_payload,
)
from tai_state.rules.records.occasional import seconds_after
from tai_state.rules.records.record import MachineStamp, MetadataRecord, Seal, Signal, stamp_of


def metadata_from(fields: Mapping[str, Value]) -> MetadataRecord:
    """Return who made a change, and why.

    Raises:
        FieldError: It is damaged.
    """
    stored = take(fields, "metadata", dict)
    return MetadataRecord(
        changed_by=take(stored, "changed_by", str),
        reason=take(stored, "reason", str),
        parent_version=take_or_none(stored, "parent_version", int),
        context=take_payload(stored, "context"),
    )


def machine_from(fields: Mapping[str, Value]) -> MachineStamp | None:
    """Return which machine moved a state.

    Raises:
        FieldError: It is damaged.
    """
    name = take_or_none(fields, "machine_name", str)
    if name is None:
        return None
    return stamp_of(name, take(fields, "machine_version", int), take(fields, "machine_fingerprint", str))


def signals_from(fields: Mapping[str, Value]) -> tuple[Signal, ...]:
    """Return the signals behind a status.

    Raises:
        FieldError: It is damaged.
    """
    stored = take_list(fields, "signals", dict) if "signals" in fields else ()
    return tuple(Signal(take(one, "state_id", str), take(one, "status", str)) for one in stored)


def fences_from(fields: Mapping[str, Value]) -> dict[str, int]:
    """Return the fences of a state, the latest last.

    Raises:
        FieldError: It is damaged.
    """
    if take(fields, "format", int) == 1:
        return dict(sorted(take_counters(fields, "fences").items()))
    stored = take_list(fields, "fences", dict)
    return {take(one, "resource", str): take(one, "token", int) for one in stored}


def seal_from(fields: Mapping[str, Value]) -> Seal | None:
    """Return the seal of an event; None for one that is older than seals.

    Raises:
        FieldError: It is damaged.
    """
    if "digests" not in fields:
        return None
    digests = take(fields, "digests", dict)
    if any(type(digest) is not str for digest in digests.values()):
        message = "field 'digests' should be a map of str"
        raise FieldError(message)
    return Seal(take_or_none(fields, "salt", str), digests)


def dependents_from(fields: Mapping[str, Value]) -> dict[str, str]:
    """Return the states that are marked as dependents, each with its machine.

    Raises:
        FieldError: They are damaged.
    """
    if "dependents" not in fields:
        return {}
    dependents: dict[str, str] = take_object(fields, "dependents").value()
    if any(type(machine) is not str for machine in dependents.values()):
        message = "field 'dependents' should be a map of str"
        raise FieldError(message)
    return dependents


def fences_list(fences: Mapping[str, int]) -> list[dict[str, Value]]:
    """Return the fences as documents from format 2 on hold them."""
    # A list, since a map's keys have no order that every engine keeps.
    return [{"resource": resource, "token": token} for resource, token in fences.items()]


def uncovered(covered: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a document, from what the hash covers of them: see ``chain.covered_text``."""
    stored = dict(covered)
    for name in ("timestamp", "created_at", "occurred_at", "due_at"):
        if name in covered:
            stored[name] = time_from(covered[name])
    if "machine" in covered:
        stored["machine_name"], stored["machine_version"], stored["machine_fingerprint"] = covered["machine"]
    if "due_after" in covered:
        stored["due_after"] = seconds_after(covered["due_after"])
    stored["fences"] = fences_list(dict(covered.get("fences", ())))
    if "signals" in covered:
        stored["signals"] = [{"state_id": state_id, "status": status} for state_id, status in covered["signals"]]
    return stored


def time_from(text: object) -> datetime:
    """Return the time that canonical JSON holds as *text*.

    Raises:
        FieldError: It holds none.
    """
    try:
        return datetime.fromisoformat(text)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        message = f"it is no time: {error}"
        raise FieldError(message) from error
