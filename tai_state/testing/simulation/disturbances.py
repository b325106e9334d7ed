"""What happens beside the work: clocks that jump, and documents that somebody else puts among ours."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from tai_state.documents import DocumentPath, Put
from tai_state.layout import AUDIT, LOCKS, TRANSACTIONS, WAITS, GovernorLayout, versioned
from tai_state.models import ConsistencyReport, Problem
from tai_state.rules.locking.reservations import reservation_path
from tai_state.testing.simulation.plan import BANK, SHOP, VAULT, SimulationPlan
from tai_state.testing.simulation.process import Process
from tai_state.testing.simulation.requests import names
from tai_state.testing.simulation.world import World

STRANGER = "stranger"
"""What the ids of somebody else's documents begin with; none of the clients' do."""

_PAUSE_SECONDS_MAX = 0.2
_OFTEN = 5
_FIELDS: Sequence[dict[str, Any]] = (
    {},
    {"title": "no state of ours"},
    {"format": 1},
    {"format": "1", "version": "x"},
    {"place": {"latitude": 50.1, "longitude": 8.7}, "tags": ["a", 1, None]},
    {"owner": 5, "nonce": None, "since": "yesterday"},
)


def problems_of_ours(report: ConsistencyReport) -> list[Problem]:
    """Return what a check found, but for strangers' documents, each of which is a finding."""
    return [problem for problem in report.problems if not problem.state_id.startswith(STRANGER)]


class Disturber:
    """Draws from the seed when which clock jumps, and where a stranger writes; each once in a while."""

    def __init__(self, world: World, plan: SimulationPlan, processes: Callable[[], Sequence[Process]]) -> None:
        """Disturb nothing yet."""
        self._world = world
        self._plan = plan
        self._processes = processes
        self._rng = world.rng("disturbances")

    async def run(self) -> None:
        """Disturb as often as the plan says."""
        plan = self._plan
        kinds = [self._jump_store] * plan.store_jumps + [self._jump_wall] * plan.wall_jumps
        kinds += [self._write] * plan.strangers
        self._rng.shuffle(kinds)
        for disturb in kinds:
            await asyncio.sleep(self._rng.uniform(0, _PAUSE_SECONDS_MAX))
            await disturb()

    async def _jump_store(self) -> None:
        seconds = self._rng.uniform(0, self._plan.jump_seconds_max)
        self._world.trace.note("the store's clock jumps", seconds)
        self._world.memory.clock.jump(seconds)
        self._world.jumped_at = self._world.ticks.monotonic()

    async def _jump_wall(self) -> None:
        process = self._rng.choice(self._processes())
        seconds = self._rng.uniform(-self._plan.jump_seconds_max, self._plan.jump_seconds_max)
        self._world.trace.note(process.name, "clock jumps", seconds)
        process.clock.jump(seconds)

    async def _write(self) -> None:
        path = self._rng.choice(self._places())
        self._world.trace.note("somebody else writes", path)
        await self._world.memory.plant(Put(path, self._rng.choice(_FIELDS)))

    def _places(self) -> list[DocumentPath]:
        layout = GovernorLayout(self._rng.choice((SHOP, BANK, VAULT)))
        number = self._rng.randrange(100)
        mine, foreign = f"{STRANGER}-{number}", f"{STRANGER} {number}!"
        places = [DocumentPath(collection, foreign) for collection in (LOCKS, WAITS, TRANSACTIONS, AUDIT)]
        places += [DocumentPath(collection, mine) for collection in (LOCKS, WAITS, TRANSACTIONS, layout.states)]
        for collection in (layout.states, layout.events, layout.receipts, layout.snapshots, layout.segments):
            places += [DocumentPath(collection, foreign), DocumentPath(collection, f"{STRANGER}@zzz")]
        places += [DocumentPath(collection, versioned(mine, 1)) for collection in (layout.events, layout.segments)]
        # The one place of ours that anybody may spoil: it grants nothing.
        return places + _OFTEN * [reservation_path(resource) for resource in names("vault", self._plan.vaults)]
