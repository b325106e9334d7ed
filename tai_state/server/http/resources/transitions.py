"""``.../transitions``: moves by a machine; ``.../rollback``: the way back."""

from typing import Any

from pydantic import Field

from tai_state import KEEP, MachineVersionError
from tai_state.server.http import refusals
from tai_state.server.http.answers import Answer
from tai_state.server.http.calls import Call
from tai_state.server.http.moved import moved
from tai_state.server.http.resources.states import STATE
from tai_state.server.http.routes import Change, Resource, Said, Version
from tai_state.server.http.shapes import Moved

resource = Resource("transitions")

_WRITES = ("If-Match", "Idempotency-Key", "Lock-Ticket", "Prefer")
_MINIMAL = Said(
    204,
    "It was done, as Prefer: return=minimal has it.",
    headers=("ETag", "Idempotency-Replayed", "Preference-Applied"),
)


class Transition(Change):
    """A move."""

    action: str = Field(min_length=1)
    payload: Any = Field(None, description="JSON-like; goes to the machine's guard and reducer, and into the event.")
    machine: str | None = Field(None, description="The machine's name; else it is the one that moved the state last.")
    expected_status: str | None = Field(None, description="Only while it is in this status.")
    labels: dict[str, str | None] | None = Field(None, description="Sets these; null takes one away.")
    error: str | None = Field(None, description="Sets the state's last error; null clears it; left out, it stays.")


@resource.route(
    "POST",
    STATE + "/transitions",
    Said(200, "It was moved.", Moved, ("ETag", "Idempotency-Replayed")),
    _MINIMAL,
    body=Transition,
    headers=_WRITES,
    problems=(404, 409, 412, 422),
)
async def transition(call: Call) -> Answer:
    """Move a state by an action of its machine, in one commit with its event."""
    body, expected = await call.body(Transition), call.expected_version()
    if expected == 0:
        raise refusals.bad_header("a move takes If-Match, and no If-None-Match")
    service, governor, state = call.service, call.path["governor"], call.path["state"]
    persister = await service.persister_of(governor, state, body.machine, call.seconds)
    async with call.lock() as lock:
        options: Any = {
            "expected_version": expected,
            "expected_status": body.expected_status,
            "idempotency_key": call.idempotency_key(),
            "labels": body.labels,
            "metadata": call.metadata(body),
            "lock": lock,
            "error": body.error if "error" in body.model_fields_set else KEEP,
        }
        try:
            result = await persister.transition(
                governor, state, body.action, body.payload, timeout=call.seconds, **options
            )
        except MachineVersionError:
            # Begun anew under another machine since it was looked at: the caller named none.
            service.forget_machine(governor, state)
            again = await service.persister_of(governor, state, body.machine, call.seconds)
            if again is persister:
                raise
            result = await again.transition(governor, state, body.action, body.payload, timeout=call.seconds, **options)
    return moved(call, result)


class Rollback(Change):
    """To which version a state is to go back."""

    to_version: Version
    expected_status: str | None = Field(None, description="Only while it is in this status.")
    force: bool = Field(default=False, description="Whatever the machine says; needs a reason.")


@resource.route(
    "POST",
    STATE + "/rollback",
    Said(200, "It was done.", Moved, ("ETag", "Idempotency-Replayed")),
    _MINIMAL,
    body=Rollback,
    headers=_WRITES,
    problems=(404, 409, 410, 412, 422),
)
async def rollback(call: Call) -> Answer:
    """Make a new version of a state with the status and data of an earlier one; nothing is erased."""
    body, expected = await call.body(Rollback), call.expected_version()
    if expected == 0:
        raise refusals.bad_header("a rollback takes If-Match, and no If-None-Match")
    async with call.lock() as lock:
        result = await call.service.plain.rollback(
            call.path["governor"],
            call.path["state"],
            body.to_version,
            call.metadata(body),
            expected_version=expected,
            expected_status=body.expected_status,
            idempotency_key=call.idempotency_key(),
            lock=lock,
            force=body.force,
            timeout=call.seconds,
        )
    return moved(call, result)
