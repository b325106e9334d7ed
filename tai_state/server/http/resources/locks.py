"""``/v1/locks``: leases that are held by their tickets, whatever becomes of this process."""

from pydantic import Field

from tai_state import AsyncLock, LockInfo, LockLostError, lock_owner
from tai_state.server.auth.principals import Kind
from tai_state.server.http import refusals
from tai_state.server.http.answers import Answer, told
from tai_state.server.http.calls import LOCK_TICKET, Call
from tai_state.server.http.held import locks_page
from tai_state.server.http.paging import After, size_of
from tai_state.server.http.routes import Body, LeaseSeconds, Resource, Said, Version
from tai_state.server.http.shapes import Items, LockHeld, LocksHeld

resource = Resource("locks")

LOCK = "/v1/locks/{resource}"
RESOURCES_MAX = 20


class Acquire(Body):
    """How a lock is wanted."""

    owner: str = Field("", description="What its owner is called; the name of who asks stands before it.")
    timeout: float = Field(
        0.0, ge=0, le=86_400, description="For how many seconds to wait; bounded by what a request may take."
    )
    ttl: LeaseSeconds | None = Field(None, description="For how many seconds it is held unless it is renewed; 30.")


@resource.route(
    "POST",
    LOCK,
    Said(201, "It is held, by whoever has the ticket.", LockHeld),
    body=Acquire,
    is_body_optional=True,
    headers=("Idempotency-Key",),
    problems=(409, 422),
)
async def acquire_lock(call: Call) -> Answer:
    """Acquire a lock. Nobody renews it here: it ends with its ttl unless its ticket is used to renew it.

    Asked again under the key of a grant that is held, it renews that one and gives its ticket again.
    """
    body = await call.body(Acquire)
    with lock_owner(_owner(call, body.owner)):
        lock = await call.service.locks.acquire(
            call.path["resource"],
            timeout=min(body.timeout, call.seconds),
            ttl=body.ttl,
            heartbeat=False,
            idempotency_key=call.idempotency_key(),
        )
    return told(_held(lock), 201)


class AcquireMany(Acquire):
    """Which locks are wanted, and how."""

    resources: list[str] = Field(min_length=1, max_length=RESOURCES_MAX)


@resource.route(
    "POST",
    "/v1/locks",
    Said(201, "All of them are held.", LocksHeld),
    body=AcquireMany,
    headers=("Idempotency-Key",),
    problems=(409, 422),
)
async def acquire_locks(call: Call) -> Answer:
    """Acquire several locks in one commit, or none."""
    body = await call.body(AcquireMany)
    for name in body.resources:
        call.require(Kind.LOCKS, name)
    with lock_owner(_owner(call, body.owner)):
        held = await call.service.locks.acquire_many(
            body.resources,
            timeout=min(body.timeout, call.seconds),
            ttl=body.ttl,
            heartbeat=False,
            idempotency_key=call.idempotency_key(),
        )
    return told({"locks": [_held(lock) for lock in held.locks]}, 201)


class Renew(Body):
    """For how long a lock is to be held."""

    ttl: LeaseSeconds | None = Field(None, description="From now on, with this renewal and each later one.")


@resource.route(
    "PUT",
    LOCK,
    Said(200, "It is held.", LockHeld),
    body=Renew,
    is_body_optional=True,
    headers=(LOCK_TICKET,),
    problems=(409, 422),
)
async def renew_lock(call: Call) -> Answer:
    """Renew a lock by its ticket."""
    body = await call.body(Renew)
    lock = await _attached(call)
    try:
        if body.ttl is not None:
            await lock.renew(body.ttl, timeout=call.seconds)
    finally:
        held = _held(lock)
    return told(held)


@resource.route("DELETE", LOCK, Said(204, "It is free."), headers=(LOCK_TICKET,), problems=(409, 422))
async def release_lock(call: Call) -> Answer:
    """Release a lock by its ticket; one that was released under it already is as it should be."""
    try:
        lock = await _attached(call)
        await lock.release(timeout=call.seconds)
    except LockLostError as error:
        if error.reason != "released":
            raise
    return Answer(204)


class Break(Body):
    """Which grant is broken, and why."""

    token: Version = Field(description="The fencing token of the grant that is meant.")
    reason: str = Field(min_length=1)


@resource.route("POST", LOCK + "/break", Said(204, "It is free."), body=Break, problems=(409, 422))
async def break_lock(call: Call) -> Answer:
    """Free a lock by force; its holder's guarded writes are refused from now on."""
    body = await call.body(Break)
    await call.service.locks.break_lock(
        call.path["resource"], body.token, body.reason, actor=call.principal.name, timeout=call.seconds
    )
    return Answer(204)


@resource.route("GET", LOCK, Said(200, "How it stands.", LockInfo), problems=(404,))
async def inspect_lock(call: Call) -> Answer:
    """Return what the store says of a lock."""
    found = await call.service.locks.inspect(call.path["resource"], timeout=call.seconds)
    if found is None:
        raise refusals.no_such("lock: it was never taken")
    return told(found)


class Locks(After):
    """Which locks are wanted."""

    held: bool = Field(default=True, description="Only those that somebody has; the others were taken once.")


@resource.route("GET", "/v1/locks", Said(200, "A page of them.", Items[LockInfo], ("Link",)), query=Locks)
async def list_locks(call: Call) -> Answer:
    """List locks, ascending by stored id, those that the token reaches; what is left out is read, so much a page."""
    query = call.query(Locks)
    size = size_of(call, query)

    def is_wanted(lock: LockInfo) -> bool:
        return (lock.held or not query.held) and call.principal.allowed.covers(Kind.LOCKS, lock.resource)

    page = await locks_page(call.service.locks, query.after, size, is_wanted, timeout=call.seconds)
    content = {"items": page.items, **({"damaged": page.damaged} if page.damaged else {})}
    return told(content, headers={} if page.behind is None else call.next_page(after=page.behind))


def _owner(call: Call, label: str) -> str:
    # Whose it is nobody can say in somebody else's name, nor by what he calls himself: a name has no colon here.
    name = call.principal.name.replace("%", "%25").replace(":", "%3A")
    return f"{name}:{label}" if label else name


async def _attached(call: Call) -> AsyncLock:
    """Return the lock of the path, by the ticket that the request carries; it is renewed.

    Raises:
        Refusal: It carries none, or that of another lock.
        LockLostError: It is not held any more.
    """
    ticket = call.header(LOCK_TICKET)
    if ticket is None:
        raise refusals.bad_header(f"{LOCK_TICKET} is missing: send what acquiring the lock gave")
    lock = await call.service.locks.attach(ticket, heartbeat=False, timeout=call.seconds)
    if lock.resource != call.path["resource"]:
        lock.detach()
        raise refusals.bad_header(f"{LOCK_TICKET} is that of another lock")
    return lock


def _held(lock: AsyncLock) -> dict[str, object]:
    """Return what its holder is told, and let go of it: from now on it is its ticket's."""
    told_of = {"resource": lock.resource, "owner": lock.owner, "fencing_token": lock.fencing_token}
    return {**told_of, "ticket": lock.detach()}
