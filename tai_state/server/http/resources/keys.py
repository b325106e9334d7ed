"""``/v1/keys``: values by name, each changed by atomic operations; several in one commit, or each for itself."""

from typing import Any, Literal

from pydantic import ConfigDict, Field

from tai_state import Event, InvalidDataError, TaiStateError
from tai_state.adapters.headers import etag_of
from tai_state.adapters.problems import FAILED, problem_of
from tai_state.keys import ABSENT, CompareAndSwap, Delete, KeyOp, OpResult, Set, op_from_json
from tai_state.server.http import refusals
from tai_state.server.http.answers import Answer, stored, told
from tai_state.server.http.calls import Call
from tai_state.server.http.failures import log_unexpected
from tai_state.server.http.paging import After, Page, paged, size_of
from tai_state.server.http.resources.states import Why
from tai_state.server.http.routes import Behind, Change, Resource, Said
from tai_state.server.http.shapes import Done, Items, KeyValue, Removed, Results
from tai_state.values import from_json

resource = Resource("keys")

GROUP = "/v1/keys/{group}"
KEY = "/v1/keys/{group}/{key}"

FILTERS = ("eq", "ne", "lt", "le", "gt", "ge", "contains", "starts_with", "ends_with", "is_none")
OPS_MAX = 500
"""How many operations one request may have; a transaction has fewer where they are larger than a commit."""

_NO_VERSIONS = "keys take no If-Match: compare_and_swap is an operation; PUT takes If-None-Match: *"


class OfGroup(After):
    """Which keys of a group are wanted; filters are JSON values, and all must hold."""

    prefix: str | None = Field(None, description="Only those that begin with this text; the engine looks for them.")
    path: str | None = Field(None, description="Hold what is there in a value against the filters: address.city, say.")
    eq: str | None = Field(None, description="JSON; so are the other filters.")
    ne: str | None = None
    lt: str | None = None
    le: str | None = None
    gt: str | None = None
    ge: str | None = None
    contains: str | None = None
    starts_with: str | None = None
    ends_with: str | None = None
    is_none: str | None = None

    def filters(self) -> dict[str, Any]:
        """Return those that are there.

        Raises:
            Refusal: One is no JSON.
        """
        found = {}
        for name in FILTERS:
            given = getattr(self, name)
            if given is not None:
                try:
                    found[name] = from_json(given)
                except InvalidDataError as error:
                    raise refusals.wrong(name, 'is a JSON value: a text is "in quotes"') from error
        return found


@resource.route("GET", GROUP, Said(200, "A page of them.", Items[KeyValue], ("Link",)), query=OfGroup)
async def list_keys(call: Call) -> Answer:
    """List the keys of a group with their values, ascending by stored id; what a filter leaves out is read, too."""
    query = call.query(OfGroup)
    size = size_of(call, query)
    found = call.service.keys(call.path["group"]).items(
        path=query.path,
        prefix=query.prefix,
        after=query.after,
        limit=size + 1,
        timeout=call.seconds,
        **query.filters(),
    )
    return await paged(
        call,
        found,
        size,
        show=lambda one: {"key": one[0], "value": stored(one[1])},
        behind=lambda one: {"after": one[0]},
    )


@resource.route(
    "GET",
    KEY,
    Said(200, "The value.", KeyValue, ("ETag",)),
    Said(304, "It is at the version that If-None-Match names.", headers=("ETag",)),
    headers=("If-None-Match",),
    problems=(404,),
)
async def get_key(call: Call) -> Answer:
    """Return the value of a key; the version of its last change is the ETag."""
    keys, key = call.service.keys(call.path["group"]), call.path["key"]
    state = await call.service.store.find_state(keys.governor_id, key, timeout=call.seconds)
    if state is None:
        raise refusals.no_such("key")
    headers = {"ETag": etag_of(state.version)}
    if call.knows(state.version):
        return Answer(304, headers=headers)
    return told({"key": key, "value": stored(state.data.get("value"))}, headers=headers)


class SetValue(Change):
    """The value that a key is to have."""

    value: Any


_WRITES = ("Idempotency-Key", "Lock-Ticket", "Prefer")
_MINIMAL = Said(204, "It was done, as Prefer: return=minimal has it.", headers=("ETag", "Preference-Applied"))


@resource.route(
    "PUT",
    KEY,
    Said(200, "It was done.", Done, ("ETag",)),
    _MINIMAL,
    body=SetValue,
    headers=("If-None-Match", *_WRITES),
    problems=(409, 412, 422),
)
async def set_key(call: Call) -> Answer:
    """Give a key a value, whatever it had; with If-None-Match: * only where there is none."""
    body, key = await call.body(SetValue), call.path["key"]
    if "if-match" in call.headers:
        raise refusals.bad_header(_NO_VERSIONS)
    if call.expected_version() is None:
        return _done(call, await _one(call, Set(key, body.value), body))
    done = await _one(call, CompareAndSwap(key, ABSENT, body.value), body)
    if not done.value:
        raise refusals.not_there_any_more("there is such a key already")
    return _done(call, done)


@resource.route(
    "DELETE",
    KEY,
    Said(200, "Whether it was there.", Done, ("ETag",)),
    _MINIMAL,
    query=Why,
    headers=_WRITES,
    problems=(409, 422),
)
async def delete_key(call: Call) -> Answer:
    """Remove a key, and tell whether it was there; its history stays."""
    call.no_preconditions(_NO_VERSIONS)
    return _done(call, await _one(call, Delete(call.path["key"]), Change(reason=call.query(Why).reason)))


class Operation(Change):
    """One operation: its name, and its arguments beside it, such as ``{"op": "increment", "by": 2}``."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    op: str = Field(
        description="get, set, delete, exists, increment, decrement, compare_and_swap, push, pop, shift, unshift, "
        "set_field, delete_field, add_to_set or remove_from_set."
    )


@resource.route(
    "POST",
    KEY,
    Said(200, "What it told.", Done, ("ETag",)),
    _MINIMAL,
    body=Operation,
    headers=_WRITES,
    problems=(409, 422),
)
async def change_key(call: Call) -> Answer:
    """Do one atomic operation on a key, and return what it tells: of an increment the sum, of a pop the item."""
    call.no_preconditions(_NO_VERSIONS)
    body = await call.body(Operation)
    op = op_from_json({**(body.model_extra or {}), "op": body.op, "key": call.path["key"]})
    return _done(call, await _one(call, op, body))


class Operations(Change):
    """Several operations, each with its key: ``{"op": "increment", "key": "n", "by": 2}``."""

    kind: Literal["transaction", "batch"] = Field(description="All of them or none, in one commit; or each for itself.")
    ops: list[dict[str, Any]] = Field(max_length=OPS_MAX)


@resource.route(
    "POST",
    GROUP,
    Said(200, "What each of them told, in their order.", Results),
    body=Operations,
    headers=("Idempotency-Key", "Lock-Ticket"),
    problems=(409, 422),
)
async def change_keys(call: Call) -> Answer:
    """Do several operations on keys of a group: a transaction, or a batch."""
    call.no_preconditions(_NO_VERSIONS)
    body, keys = await call.body(Operations), call.service.keys(call.path["group"])
    ops = [op_from_json(one) for one in body.ops]
    async with call.lock() as lock:
        options: Any = {
            "idempotency_key": call.idempotency_key(),
            "metadata": call.metadata(body),
            "lock": lock,
            "timeout": call.seconds,
        }
        if body.kind == "transaction":
            values = await keys.transaction(ops, **options)
            return told({"results": [{"id": op.id, "value": stored(one)} for op, one in zip(ops, values, strict=True)]})
        results = await keys.batch(ops, **options)
    return told({"results": [_shown(one) for one in results]})


@resource.route("DELETE", GROUP, Said(200, "How many were removed.", Removed), query=Why)
async def clear_keys(call: Call) -> Answer:
    """Remove every key of a group; a call that ends early has removed what it has, and another one goes on."""
    reason = Change(reason=call.query(Why).reason)
    count = await call.service.keys(call.path["group"]).clear(metadata=call.metadata(reason), timeout=call.seconds)
    return told({"removed": count})


class OfKey(Page):
    """Which changes of a key are wanted."""

    after: Behind = Field(0, description="Behind this version.")


@resource.route("GET", KEY + "/history", Said(200, "A page of them.", Items[Event[Any]], ("Link",)), query=OfKey)
async def key_history(call: Call) -> Answer:
    """List the changes of a key in their order; ``to_state.value`` is its value."""
    query, keys = call.query(OfKey), call.service.keys(call.path["group"])
    size = size_of(call, query)
    found = call.service.store.get_events(
        keys.governor_id, call.path["key"], after=query.after, limit=size + 1, timeout=call.seconds
    )
    return await paged(call, found, size, show=lambda event: event, behind=lambda last: {"after": last.version})


async def _one(call: Call, op: KeyOp, change: Change) -> OpResult:
    """Do one operation, and return what became of it.

    Raises:
        TaiStateError: It failed.
    """
    async with call.lock() as lock:
        (done,) = await call.service.keys(call.path["group"]).batch(
            [op],
            idempotency_key=call.idempotency_key(),
            metadata=call.metadata(change),
            lock=lock,
            timeout=call.seconds,
        )
    if done.error is not None:
        raise done.error
    return done


def _done(call: Call, done: OpResult) -> Answer:
    headers = {} if done.version is None else {"ETag": etag_of(done.version)}
    if call.prefers_minimal():
        return Answer(204, headers={**headers, "Preference-Applied": "return=minimal"})
    return told({"value": stored(done.value), "version": done.version}, headers=headers)


def _shown(done: OpResult) -> dict[str, Any]:
    if done.error is None:
        return {"id": done.id, "value": stored(done.value), "version": done.version, "error": None}
    if isinstance(done.error, TaiStateError):
        problem = problem_of(done.error)
    else:
        log_unexpected(done.error)
        problem = FAILED
    return {"id": done.id, "value": None, "version": None, "error": problem.to_dict()}
