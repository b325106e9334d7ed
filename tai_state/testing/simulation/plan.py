"""What one simulated run is made of, drawn from its seed.

Each seed leaves out some faults and some work, and draws its own sizes: runs that do less of many things reach
states that a run of everything never does (Groce et al., Swarm Testing, 2012).
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from math import inf

from tai_state.errors import ConfigurationError
from tai_state.testing.faults import Faults

SHOP, BANK, VAULT = "shop", "bank", "vault"
"""The governors: states that anybody changes, accounts that money moves between, states behind a lock."""


class Work(StrEnum):
    """What clients ask for."""

    MOVE = "move"
    LOG = "log"
    SAVE = "save"
    UPDATE = "update"
    DELETE = "delete"
    START = "start"
    ROLLBACK = "rollback"
    REPEAT = "repeat"
    READ = "read"
    TRANSFER = "transfer"
    AUDIT = "audit"
    GUARD = "guard"
    GUARD_MANY = "guard_many"
    SNAPSHOT = "snapshot"
    CHECK = "check"


_ALWAYS = (Work.MOVE, Work.READ, Work.UPDATE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationPlan:
    """The sizes and shares of one run; times in seconds.

    Args:
        workers: How many processes share the store.
        lanes: How many clients each process serves at the same time.
        requests: How many requests each process gets.
        states, accounts, vaults: How many states there are to change, to move money between, and to guard.
        work: How often each kind of work is asked for, as weights.
        faults: How often the calls of the store go wrong.
        keyed: The share of changes with an idempotency key.
        expecting: The share of changes that insist on the version they were decided on.
        cancelled, hurried: The share of requests that are cancelled in the middle, or have too little time.
        think: How long a client waits between two requests at most.
        receipt_ttl, lock_ttl: How long keys are remembered, and leases last.
        heartbeat: The share of locks that are renewed in the background.
        snapshot_interval, snapshot_retention: How often states are snapshotted, and what is kept.
        segment_events: How many events are sealed in one segment.
        head_cache_size: How many heads a process keeps.
        wall_skew: By how much the processes' wall clocks differ at most.
        downtime: How long a process that died stays away at most.
        store_jumps: How often the store's clock jumps ahead, past leases and keys.
        wall_jumps: How often the wall clock of a process is set, ahead or back.
        strangers: How many documents of somebody else are put among ours.
        jump_seconds_max: How far a clock jumps at most.
        steps_max: How many steps the run may take.
    """

    workers: int = 3
    lanes: int = 2
    requests: int = 8
    states: int = 2
    accounts: int = 3
    vaults: int = 1
    work: Mapping[Work, int] = field(default_factory=lambda: dict.fromkeys(Work, 2))
    faults: Faults = field(default_factory=Faults)
    keyed: float = 0.5
    expecting: float = 0.3
    cancelled: float = 0.1
    hurried: float = 0.05
    think: float = 0.1
    receipt_ttl: float = 20.0
    lock_ttl: float = 1.0
    heartbeat: float = 0.5
    snapshot_interval: int = 4
    snapshot_retention: int = 2
    segment_events: int = 4
    head_cache_size: int = 64
    wall_skew: float = 1.0
    downtime: float = 0.5
    store_jumps: int = 0
    wall_jumps: int = 0
    strangers: int = 0
    jump_seconds_max: float = 5.0
    steps_max: int = 400_000

    def __post_init__(self) -> None:
        """Refuse what is no size, no share and no time.

        Raises:
            ConfigurationError: Names the field.
        """
        for each in fields(self):
            value, default = getattr(self, each.name), each.default
            if each.name == "faults":
                is_one = isinstance(value, Faults)
            elif each.name == "work":
                is_one = isinstance(value, Mapping) and all(isinstance(one, Work) for one in value)
            elif type(default) is int:
                is_one = type(value) is int and value >= 0
            else:
                is_one = not isinstance(value, bool) and isinstance(value, int | float) and 0 <= value < inf
            if not is_one:
                message = f"the {each.name} of a simulation cannot be {value!r}"
                raise ConfigurationError(message)


def drawn(seed: int) -> SimulationPlan:
    """Return the plan that *seed* makes."""
    rng = random.Random(f"{seed}/plan")  # noqa: S311 - repeatable on purpose
    disturbed = random.Random(f"{seed}/disturbances")  # noqa: S311 - repeatable on purpose
    work = {kind: rng.randint(1, 4) for kind in Work if kind in _ALWAYS or rng.random() < 0.6}  # noqa: PLR2004
    return SimulationPlan(
        workers=rng.randint(2, 3),
        lanes=rng.randint(1, 3),
        requests=rng.randint(6, 14),
        states=rng.randint(1, 2),
        accounts=rng.randint(2, 3),
        vaults=rng.randint(1, 2),
        work=work,
        faults=_faults(rng),
        keyed=rng.choice((0.0, 0.3, 0.7, 1.0)),
        expecting=rng.choice((0.0, 0.3, 0.6)),
        cancelled=rng.choice((0.0, 0.1, 0.3)),
        hurried=rng.choice((0.0, 0.0, 0.1)),
        think=rng.choice((0.0, 0.05, 0.5)),
        receipt_ttl=rng.choice((3.0, 20.0, 3600.0)),
        lock_ttl=rng.choice((0.2, 1.0, 5.0)),
        heartbeat=rng.choice((0.0, 0.5, 1.0)),
        snapshot_interval=rng.choice((2, 3, 5, 100)),
        snapshot_retention=rng.randint(1, 3),
        head_cache_size=rng.choice((0, 1, 64, 64)),
        wall_skew=rng.choice((0.0, 0.5, 60.0)),
        downtime=rng.choice((0.05, 0.5, 5.0)),
        segment_events=rng.choice((2, 3, 5, 100)),
        store_jumps=disturbed.choice((0, 0, 2, 6)),
        wall_jumps=disturbed.choice((0, 0, 2, 6)),
        strangers=disturbed.choice((0, 0, 5, 15)),
        jump_seconds_max=disturbed.choice((0.5, 5.0, 4000.0)),
    )


def _faults(rng: random.Random) -> Faults:
    def some(most: float) -> float:
        return rng.uniform(0, most) if rng.random() < 0.6 else 0.0  # noqa: PLR2004 - the swarm's share

    return Faults(
        unavailable=some(0.1),
        request_lost=some(0.1),
        reply_lost=some(0.15),
        late=some(0.08),
        duplicate=some(0.15),
        torn=some(0.3),
        stale_head=some(0.6),
        delay=some(0.5),
        delay_seconds_max=rng.choice((0.005, 0.1, 1.0, 4.0)),
        crash=some(0.03),
    )
