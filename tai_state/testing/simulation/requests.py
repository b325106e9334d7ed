"""What the clients of one worker ask for, drawn ahead of the run."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tai_state.testing.simulation.plan import BANK, SHOP, VAULT, SimulationPlan, Work

KEYED = {
    Work.MOVE,
    Work.LOG,
    Work.SAVE,
    Work.UPDATE,
    Work.DELETE,
    Work.START,
    Work.ROLLBACK,
    Work.TRANSFER,
}
"""The work that can have an idempotency key."""


CHANGES = {*KEYED, Work.GUARD, Work.GUARD_MANY}
"""The work that makes changes."""


@dataclass(slots=True)
class Request:
    """One request of a client, and what became of it so far.

    Attributes:
        mark: Tells it from every other; the reason of the changes that it makes.
        targets: The states that it is about.
        cancel_steps, cancel_seconds: When it is cancelled: behind so many steps and seconds; None: never.
        timeout: The seconds that it may take; None: as many as usual.
        began: When it was first asked for; None: not yet.
        seen: The version and the data that it rests on, read before the first attempt.
        is_served: Whether an attempt came to its end.
        marks: Those of the changes that the attempt under way asked for.
    """

    work: Work
    mark: str
    governor: str
    targets: tuple[str, ...]
    amount: int
    key: str | None = None
    action: str = "add"
    expecting: bool = False
    heartbeat: bool = False
    cancel_steps: int = 0
    cancel_seconds: float | None = None
    timeout: float | None = None
    pauses: tuple[float, ...] = ()
    began: float | None = None
    seen: tuple[int, dict[str, Any]] | None = None
    is_served: bool = False
    marks: list[str] = field(default_factory=list)


def drawn_requests(worker: str, plan: SimulationPlan, rng: random.Random, actions: tuple[str, ...]) -> list[Request]:
    """Return the requests of *worker*; those of one key may come twice (see ``Work.REPEAT``)."""
    requests: list[Request] = []
    for number, work in enumerate(_works(plan, rng)):
        request = _drawn(f"{worker}.{number}", work, plan, rng, actions)
        if work is Work.REPEAT:
            keyed = [one for one in requests if one.key is not None and one.work in {Work.MOVE, Work.LOG}]
            if not keyed:
                continue
            first = rng.choice(keyed)
            request.work, request.governor, request.targets = first.work, first.governor, first.targets
            request.key, request.action, request.amount = first.key, first.action, first.amount
            request.expecting = False
        requests.append(request)
    return requests


def _works(plan: SimulationPlan, rng: random.Random) -> Iterator[Work]:
    kinds, weights = list(plan.work), list(plan.work.values())
    yield from rng.choices(kinds, weights, k=plan.requests)


def _drawn(mark: str, work: Work, plan: SimulationPlan, rng: random.Random, actions: tuple[str, ...]) -> Request:
    governor, targets = _targets(work, plan, rng)
    request = Request(work, mark, governor, targets, amount=rng.randint(1, 9), action=rng.choice(actions))
    if rng.random() < plan.keyed and work in KEYED:
        request.key = f"key-{mark}"
    request.expecting = rng.random() < plan.expecting
    request.heartbeat = rng.random() < plan.heartbeat
    if rng.random() < plan.cancelled:
        request.cancel_steps = rng.randint(0, 25)
        request.cancel_seconds = rng.choice((0.0, 0.0, rng.uniform(0, 0.2)))
    elif rng.random() < plan.hurried:
        request.timeout = rng.uniform(0.001, 0.1)
    # Longer than a lease, now and then.
    request.pauses = tuple(rng.choice((0.0, rng.uniform(0, plan.lock_ttl * 1.3))) for _ in range(rng.randint(1, 3)))
    return request


def _targets(work: Work, plan: SimulationPlan, rng: random.Random) -> tuple[str, tuple[str, ...]]:
    if work in {Work.TRANSFER, Work.AUDIT}:
        return BANK, tuple(rng.sample(names("account", plan.accounts), 2))
    if work in {Work.GUARD, Work.GUARD_MANY}:
        vaults = names("vault", plan.vaults)
        return VAULT, tuple(vaults) if work is Work.GUARD_MANY else (rng.choice(vaults),)
    return SHOP, (rng.choice(names("order", plan.states)),)


def names(kind: str, count: int) -> list[str]:
    """Return the ids of *count* states of a kind."""
    return [f"{kind}-{number}" for number in range(count)]
