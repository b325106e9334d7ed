"""A workload of sagas: steps that act on a world outside the store, runners that die, and what must hold behind it."""

import asyncio
import random
from collections import defaultdict
from dataclasses import dataclass, field, replace

from tai_state import RetryPolicy
from tai_state._async.sagas.runner import AsyncSagaRunner
from tai_state.errors import TaiStateError
from tai_state.keys import OwnGovernor
from tai_state.sagas import Saga, Step
from tai_state.testing import Simulation
from tai_state.testing.simulation.plan import drawn

NAMES = ("reserve", "pay", "pack")
SAGAS = 2
LEASE_SECONDS = 0.4
ROUNDS_MAX = 600
RETRY = RetryPolicy(attempts=3, wait_initial=0.05, wait_max=0.2)


@dataclass
class World:
    """What lies outside the store: which effects there are, by key, in the order in which they came."""

    seed: int
    effects: list[tuple[str, str, str]] = field(default_factory=list)
    done: set[tuple[str, str]] = field(default_factory=set)

    def act(self, what, saga_id, key):
        """Make an effect, once by its key."""
        if (what.split()[0], key) not in self.done:
            self.done.add((what.split()[0], key))
            self.effects.append((saga_id, what, key))

    def saga(self):
        """Return the saga whose steps act here."""
        return Saga("order", [Step(name, self.action, self.compensate, retry=RETRY) for name in NAMES])

    async def action(self, ctx):
        """Act, or fail as this saga is to."""
        await asyncio.sleep(slowness(ctx))
        fate = fate_of(self.seed, ctx.saga_id)
        if fate == f"fail {ctx.step}" or (fate == f"stumble {ctx.step}" and ctx.attempt == 1):
            message = fate
            raise OSError(message)
        await ctx.check()
        self.act(f"do {ctx.step}", ctx.saga_id, ctx.key)
        return len(ctx.results)

    async def compensate(self, ctx):
        """Undo."""
        await asyncio.sleep(slowness(ctx))
        self.act(f"undo {ctx.step}", ctx.saga_id, ctx.key)

    async def worker(self, store, name, rng):
        """Start sagas of its own, and run whatever is due until those have ended."""
        runner = AsyncSagaRunner(store, [self.saga()], lease=LEASE_SECONDS, poll=0.2, concurrency=2)
        own = [f"{name}-{number}" for number in range(SAGAS)]
        for _ in range(ROUNDS_MAX):
            try:
                ended = 0
                for saga_id in own:
                    state = await runner.start("shop", saga_id, "order", {"of": name})
                    ended += state.due_at is None
                if ended == len(own):
                    return
                await runner.run_due()
            except TaiStateError:
                pass  # the store does not answer, or nobody knows: the next round tells
            await asyncio.sleep(rng.uniform(0, 0.3))
        message = f"sagas of {name} are stuck"
        raise AssertionError(message)

    async def each_effect_once_and_each_failure_undone_in_reverse(self, store):
        """By what is outside, and by what the store tells."""
        governor = OwnGovernor("sagas", "shop")
        made = defaultdict(list)
        for saga_id, what, _ in self.effects:
            made[saga_id].append(what)
        async for state in store.list_states(governor):
            fate = fate_of(self.seed, state.state_id)
            fails = fate.removeprefix("fail ") if fate.startswith("fail ") else None
            finished = list(NAMES if fails is None else NAMES[: NAMES.index(fails)])
            wanted = [f"do {name}" for name in finished]
            if fails is not None:
                wanted += [f"undo {name}" for name in reversed(finished)]
            status = "completed" if fails is None else "compensated"
            assert (state.status, made[state.state_id]) == (status, wanted), (state.state_id, fate)
            await begun_within_their_leases(store, governor, state.state_id)


async def begun_within_their_leases(store, governor, saga_id):
    """Nobody takes a saga from another before its lease has ended, by the store's clock."""
    claim, renewed_at = None, None
    async for event in store.get_events(governor, saga_id):
        payload = event.payload if isinstance(event.payload, dict) else {}
        other = payload.get("claim", claim)
        if claim is not None and other != claim and renewed_at is not None:
            assert (event.committed_at - renewed_at).total_seconds() >= LEASE_SECONDS, (saga_id, event.version)
        # Behind an attempt that is put off nobody has it.
        is_let_go = event.action.split()[0] in {"retry", "recompensate"}
        claim, renewed_at = (None, None) if is_let_go else (other, event.committed_at)


def fate_of(seed, saga_id):
    """Return what becomes of a saga, whoever runs it."""
    draw = random.Random(f"{seed}/{saga_id}")
    kind = draw.choice(("well", "fail", "fail", "stumble"))
    return f"{kind} {draw.choice(NAMES)}"


def slowness(ctx):
    """Return how long an attempt takes: now and then longer than a lease."""
    return random.Random(f"{ctx.key}/{ctx.attempt}").choice((0.0, 0.0, 0.05, 0.6, 1.5))


def run(seed):
    """Run the workload of *seed*, and return what it did."""
    world = World(seed)
    plan = replace(drawn(seed), strangers=0)
    invariants = [world.each_effect_once_and_each_failure_undone_in_reverse]
    return Simulation(seed, plan, worker=world.worker, invariants=invariants).run()


def run_many(first, last):
    """Run the workload of each seed from *first* to before *last*."""
    return [run(seed) for seed in range(first, last)]
