"""A workload of subscribers: states that are saved, handlers that are told of it by workers that die."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field, replace

from tai_state._async.feeds.subscription import AsyncSubscription
from tai_state.errors import TaiStateError
from tai_state.feeds import SubscriptionConfig
from tai_state.testing import Simulation
from tai_state.testing.simulation.plan import drawn

STATES = 2
EVENTS = 4
ROUNDS_MAX = 600
CONFIG = SubscriptionConfig(shards=2, concurrency=2, lease=1.0, poll=0.2, wait_initial=0.01, wait_max=0.1)


@dataclass
class Feed:
    """One run: how it delivers, and whom it told what, in the order in which it did."""

    delivery: str
    keeps_order: bool
    """Whether the leases hold: where the store's clock jumps they end, and nobody can know."""
    told: list[tuple[str, int]] = field(default_factory=list)

    async def tell(self, event, *more):
        """Note an event; with a transaction, count it in the store, too."""
        self.told.append((event.state_id, event.version))
        for tx in more:
            found = await tx.find_state("effects", event.state_id)
            done = found.data if found else {"count": 0, "last": 0}
            after = {"count": done["count"] + 1, "last": event.version}
            await tx.save_state("effects", event.state_id, after)

    async def worker(self, store, name, rng):
        """Save states of its own, and deliver whatever there is, until nothing is left of either."""
        subscription = AsyncSubscription(
            store,
            "mail",
            self.tell,
            governor_id="source",
            delivery=self.delivery,
            max_attempts=1_000_000,
            config=CONFIG,
        )
        left = [(f"{name}-{state}", number) for number in range(EVENTS) for state in range(STATES)]
        for _ in range(ROUNDS_MAX):
            try:
                if left and rng.random() < 0.7:
                    state_id, number = left[0]
                    await store.save_state("source", state_id, {"n": number}, idempotency_key=f"{state_id}-{number}")
                    del left[0]
                if rng.random() < 0.2:
                    # As who is told of a change by something else does.
                    await subscription.deliver("source", f"{name}-{rng.randrange(STATES)}")
                await subscription.run_once()
                if not left and (await subscription.lag()).states == 0:
                    return
            except TaiStateError:
                pass  # the store does not answer, or nobody knows: the next round tells
            await asyncio.sleep(rng.uniform(0, 0.2))
        message = f"{name} has not delivered all"
        raise AssertionError(message)

    async def holds(self, store):
        """Each effect once and in its order; or none missing, and the order kept; or none twice."""
        versions = {one.state_id: one.version async for one in store.list_states("source")}
        if self.delivery == "exactly_once":
            effects = {one.state_id: one.data async for one in store.list_states("effects")}
            assert effects == {one: {"count": last, "last": last} for one, last in versions.items()}
            return
        told: dict[str, list[int]] = defaultdict(list)
        for state_id, version in self.told:
            told[state_id].append(version)
        if self.delivery == "at_most_once":
            assert all(len(found) == len(set(found)) for found in told.values()), told
            assert not self.keeps_order or all(found == sorted(found) for found in told.values()), told
            return
        firsts = {state_id: list(dict.fromkeys(found)) for state_id, found in told.items()}
        assert firsts == {state_id: list(range(1, last + 1)) for state_id, last in versions.items()}


def run(seed, delivery):
    """Run the workload of *seed*, and return what it did."""
    plan = replace(drawn(seed), strangers=0)
    feed = Feed(delivery, keeps_order=not plan.store_jumps)
    return Simulation(seed, plan, worker=feed.worker, invariants=[feed.holds]).run()


def run_many(first, last, delivery):
    """Run the workload of each seed from *first* to before *last*."""
    return [run(seed, delivery) for seed in range(first, last)]
