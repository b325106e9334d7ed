"""``/v1/governors/{governor}/states``: states, as they are and as they were; saved, started and deleted."""

from typing import Any

from pydantic import Field

from tai_state import StateSnapshot
from tai_state.adapters.headers import etag_of
from tai_state.server.http import refusals
from tai_state.server.http.answers import Answer, told
from tai_state.server.http.calls import Call
from tai_state.server.http.moved import moved
from tai_state.server.http.paging import After, Page, paged, size_of
from tai_state.server.http.routes import Change, Moment, Query, Resource, Said, Version
from tai_state.server.http.shapes import FoundStates, Items, Moved, Versioned

resource = Resource("states")

STATE = "/v1/governors/{governor}/states/{state}"
IDS_MAX = 200
"""How many states one request may name."""


class States(After):
    """Which states of a governor are wanted."""

    status: str | None = Field(None, description="Only those in this status.")
    prefix: str | None = Field(None, description="Only those whose id begins so.")
    include_deleted: bool = Field(default=False, description="Deleted ones, too.")
    descending: bool = Field(default=False, description="From the last to the first; of live ones, or of one status.")
    id: list[str] | str | None = Field(None, description="Exactly these, as of one moment; nothing else is said then.")


@resource.route(
    "GET",
    "/v1/governors/{governor}/states",
    Said(
        200,
        "A page of them; with id=, those states as of one moment.",
        Items[StateSnapshot[Any]] | FoundStates,
        ("Link",),
    ),
    query=States,
)
async def list_states(call: Call) -> Answer:
    """List a governor's states, ascending by stored id."""
    query, governor, store = call.query(States), call.path["governor"], call.service.store
    if query.id is not None:
        ids = [query.id] if isinstance(query.id, str) else query.id
        if len(ids) > IDS_MAX:
            raise refusals.wrong("id", f"at most {IDS_MAX} states may be named at once")
        return told(
            await store.batch_get_states(governor, ids, include_deleted=query.include_deleted, timeout=call.seconds)
        )
    size = size_of(call, query)
    found = store.list_states(
        governor,
        status=query.status,
        prefix=query.prefix,
        after=query.after,
        limit=size + 1,
        include_deleted=query.include_deleted,
        descending=query.descending,
        timeout=call.seconds,
    )
    return await paged(call, found, size, show=_itself, behind=lambda one: {"after": one.state_id})


class Finding(Page):
    """Which states of all governors are wanted."""

    label: list[str] | str = Field(description="NAME=VALUE; several must all hold, and the first should be the rarest.")
    status: str | None = None
    machine: str | None = None
    governor: str | None = Field(None, description="Only those of this governor.")
    after_governor: str | None = Field(None, description="With after_state: begin behind this state.")
    after_state: str | None = None


@resource.route("GET", "/v1/states", Said(200, "A page of them.", Items[StateSnapshot[Any]], ("Link",)), query=Finding)
async def find_states(call: Call) -> Answer:
    """Find states by their labels, in all governors; a token that does not reach all of them names one."""
    query = call.query(Finding)
    call.require_governor(query.governor)
    size = size_of(call, query)
    given = [query.label] if isinstance(query.label, str) else query.label
    labels = dict(one.split("=", 1) for one in given if "=" in one)
    if len(labels) < len(given):
        raise refusals.wrong("label", "is NAME=VALUE, each name once")
    if (query.after_governor is None) is not (query.after_state is None):
        raise refusals.wrong("after_state", "goes with after_governor")
    after = None if query.after_state is None else (query.after_governor or "", query.after_state)
    found = call.service.store.find(
        labels=labels,
        status=query.status,
        machine=query.machine,
        governor_id=query.governor,
        after=after,
        limit=size + 1,
        timeout=call.seconds,
    )
    return await paged(
        call,
        found,
        size,
        show=_itself,
        behind=lambda one: {"after_governor": one.governor_id, "after_state": one.state_id},
    )


class AsOf(Query):
    """As of when a state is wanted."""

    version: Version | None = Field(
        None, description="As it was at this version, by its events, all of which are read and checked up to there."
    )
    at: Moment | None = Field(None, description="As it was at this time, with an offset; by its events.")


@resource.route(
    "GET",
    STATE,
    Said(200, "The state.", StateSnapshot[Any], ("ETag",)),
    Said(304, "It is at the version that If-None-Match names.", headers=("ETag",)),
    query=AsOf,
    headers=("If-None-Match",),
    problems=(404, 410),
)
async def get_state(call: Call) -> Answer:
    """Return a state as it is, or as its events say that it was; its version is the ETag."""
    query, governor, state = call.query(AsOf), call.path["governor"], call.path["state"]
    if query.version is not None or query.at is not None:
        snapshot = await call.service.plain.replay(
            governor, state, until_version=query.version, until_time=query.at, timeout=call.seconds
        )
    else:
        snapshot, _ = await call.service.store.get_state(governor, state, timeout=call.seconds)
    headers = {"ETag": etag_of(snapshot.version)}
    if call.knows(snapshot.version):
        return Answer(304, headers=headers)
    return told(snapshot, headers=headers)


class Save(Change):
    """What a state is to hold."""

    data: dict[str, Any]
    status: str | None = Field(None, description="The new status; null keeps it. No machine's status is set from here.")
    labels: dict[str, str | None] | None = Field(None, description="Sets these; null takes one away.")
    expected_status: str | None = Field(None, description="Only while it is in this status.")
    force: bool = Field(default=False, description="Set the status whatever a machine says; needs a reason.")


WRITES = ("If-Match", "If-None-Match", "Idempotency-Key", "Lock-Ticket", "Prefer")


@resource.route(
    "PUT",
    STATE,
    Said(200, "It was replaced.", Versioned, ("ETag",)),
    Said(201, "It was created.", Versioned, ("ETag",)),
    Said(204, "It was done, as Prefer: return=minimal has it.", headers=("ETag", "Preference-Applied")),
    body=Save,
    headers=WRITES,
    problems=(409, 412, 422),
)
async def save_state(call: Call) -> Answer:
    """Create a state, or replace its data, without a machine."""
    body, expected = await call.body(Save), call.expected_version()
    if expected is None and "if-match" in call.headers:
        raise refusals.bad_header("If-Match: * is not known here: name the version, or send the change without it")
    async with call.lock() as lock:
        version = await call.service.store.save_state(
            call.path["governor"],
            call.path["state"],
            body.data,
            call.metadata(body),
            status=body.status,
            labels=body.labels,
            expected_version=expected,
            expected_status=body.expected_status,
            idempotency_key=call.idempotency_key(),
            lock=lock,
            force=body.force,
            timeout=call.seconds,
        )
    return call.changed({"version": version}, version, status=201 if version == 1 else 200)


class Start(Change):
    """What a machine is to begin with."""

    data: dict[str, Any] = Field(default_factory=dict)
    machine: str | None = Field(None, description="Its name; where the server knows one only, it need not be named.")
    depends_on: list[str] = Field(default_factory=list, description="States of this governor to whose moves it reacts.")
    labels: dict[str, str | None] | None = None


@resource.route(
    "POST",
    STATE,
    Said(201, "It was started.", Moved, ("ETag", "Idempotency-Replayed", "Location")),
    Said(
        204,
        "It was done, as Prefer: return=minimal has it.",
        headers=("ETag", "Idempotency-Replayed", "Preference-Applied"),
    ),
    body=Start,
    is_body_optional=True,
    headers=("If-None-Match", "Idempotency-Key", "Prefer"),
    problems=(404, 409, 412, 422),
)
async def start_machine(call: Call) -> Answer:
    """Start a machine: create a state in its initial status."""
    body = await call.body(Start)
    if call.expected_version() not in {None, 0}:
        raise refusals.bad_header("a start takes If-None-Match: *, and no If-Match")
    governor, state = call.path["governor"], call.path["state"]
    result = await call.service.persister_named(body.machine).start(
        governor,
        state,
        body.data,
        depends_on=body.depends_on,
        labels=body.labels,
        metadata=call.metadata(body),
        idempotency_key=call.idempotency_key(),
        timeout=call.seconds,
    )
    call.service.forget_machine(governor, state)
    return moved(call, result, status=201)


class Why(Query):
    """Why something is removed."""

    reason: str = ""
    expected_status: str | None = Field(None, description="Only while it is in this status.")


@resource.route(
    "DELETE",
    STATE,
    Said(200, "Its tombstone's version.", Versioned, ("ETag",)),
    Said(204, "It was done, as Prefer: return=minimal has it.", headers=("ETag", "Preference-Applied")),
    query=Why,
    headers=("If-Match", "Idempotency-Key", "Lock-Ticket", "Prefer"),
    problems=(404, 409, 412),
)
async def delete_state(call: Call) -> Answer:
    """Leave a tombstone in a state's place; its history stays."""
    query, expected = call.query(Why), call.expected_version()
    if expected == 0:
        raise refusals.bad_header("a deletion takes If-Match, and no If-None-Match")
    async with call.lock() as lock:
        version = await call.service.store.delete_state(
            call.path["governor"],
            call.path["state"],
            expected,
            call.metadata(Change(reason=query.reason)),
            expected_status=query.expected_status,
            idempotency_key=call.idempotency_key(),
            lock=lock,
            timeout=call.seconds,
        )
    return call.changed({"version": int(version)}, int(version))


def _itself(one: StateSnapshot[Any]) -> StateSnapshot[Any]:
    return one
