"""Isolation by the anomalies' names (Adya, Weak Consistency, 1999; Kleppmann's Hermitage): none of them happens.

Each is a real interleaving of two or three transactions, from clients of their own. Predicates are no part of a
transaction, so their anomalies (PMP, G2 over predicates) are not its promise.
"""

from collections.abc import Sequence
from datetime import datetime

import pytest

from tai_state import AsyncBackendStore, Capability
from tai_state.documents import Check, Document, DocumentPath, Put, Read, Write
from tai_state.layout import META
from tests._async.accounts import async_amount, async_amounts, async_open_accounts, async_put, manager_of
from tests._async.interleaving import AsyncInterleaving
from tests._async.stores import AsyncWrappedBackend


class Undone(Exception):  # noqa: N818 - a body's own reason to give up
    pass


async def async_managers(open_store, **amounts):
    """Open two accounts of 10 and 20, and return a manager of a client of its own for each of three actors."""
    await async_open_accounts(open_store(), **(amounts or {"x": 10, "y": 20}))
    return [manager_of(open_store()) for _ in range(3)]


async def async_g0(open_store):
    """Write cycles: the writes of two transactions never mix."""
    first, second, _ = await async_managers(open_store)
    steps = AsyncInterleaving("A", "B", "A", "B")

    async def write(tx, name, number):
        await steps.turn(name)
        await async_put(tx, "x", number)
        await steps.turn(name)
        await async_put(tx, "y", number)

    await steps.run(
        A=lambda: first.run(lambda tx: write(tx, "A", 1)), B=lambda: second.run(lambda tx: write(tx, "B", 2))
    )
    x, y = await async_amounts(open_store(), "x", "y")
    assert x == y, "dirty write"


async def async_g1a(open_store):
    """Aborted reads: what a transaction wrote that was given up is never seen."""
    first, second, _ = await async_managers(open_store)
    steps = AsyncInterleaving("A", "B", "A", "B", may_raise=Undone)

    async def give_up(tx):
        await steps.turn("A")
        await async_put(tx, "x", 101)
        await steps.turn("A")
        raise Undone

    async def look(tx):
        await steps.turn("B")
        before = await async_amount(tx, "x")
        await steps.turn("B")
        await async_put(tx, "y", before + await async_amount(tx, "x"))

    outcome, _ = await steps.run(A=lambda: first.run(give_up), B=lambda: second.run(look))
    assert isinstance(outcome, Undone)
    assert await async_amounts(open_store(), "x", "y") == [10, 20], "aborted read"


async def async_g1b(open_store, *, read_only):
    """Intermediate reads: what a transaction wrote before it wrote something else is never seen."""
    first, second, _ = await async_managers(open_store)
    steps = AsyncInterleaving("A", "B", "A", "B")
    seen = []

    async def write(tx):
        await steps.turn("A")
        await async_put(tx, "x", 101)
        await steps.turn("A")
        await async_put(tx, "x", 11)

    async def look(tx):
        await steps.turn("B")
        seen.append(await async_amount(tx, "x"))
        await steps.turn("B")
        await async_amount(tx, "y")
        seen.append(await async_amount(tx, "x"))
        return seen[-1]

    _, last = await steps.run(A=lambda: first.run(write), B=lambda: second.run(look, read_only=read_only))
    assert 101 not in seen, "intermediate read"
    # As of its first read, which was before; or anew, where the engine cannot read the past.
    assert last == (10 if Capability.READ_AT in open_store().capabilities else 11)


async def async_g1c(open_store):
    """Circular information flow: two transactions never see each other's writes, nor both miss them."""
    first, second, _ = await async_managers(open_store)
    steps = AsyncInterleaving("A", "B", "A", "B", "A", "B")

    async def exchange(tx, name, own, others, number):
        await steps.turn(name)
        await async_put(tx, own, number)
        await steps.turn(name)
        seen = await async_amount(tx, others)
        await steps.turn(name)
        return seen

    saw = await steps.run(
        A=lambda: first.run(lambda tx: exchange(tx, "A", "x", "y", 11)),
        B=lambda: second.run(lambda tx: exchange(tx, "B", "y", "x", 22)),
    )
    assert saw in ([20, 11], [22, 10]), "circular information flow"


async def async_otv(open_store):
    """Observed transaction vanishes: who saw one write of a transaction sees all of them."""
    first, second, third = await async_managers(open_store)
    steps = AsyncInterleaving("A", "B", "A", "C", "B", "C")
    views = []

    async def write(tx, name, x, y):
        await steps.turn(name)
        await async_put(tx, "x", x)
        await steps.turn(name)
        await async_put(tx, "y", y)

    async def look(tx):
        await steps.turn("C")
        x = await async_amount(tx, "x")
        await steps.turn("C")
        views.append((x, await async_amount(tx, "y")))

    await steps.run(
        A=lambda: first.run(lambda tx: write(tx, "A", 11, 19)),
        B=lambda: second.run(lambda tx: write(tx, "B", 12, 18)),
        C=lambda: third.run(look, read_only=True),
    )
    assert set(views) <= {(11, 19), (12, 18)}, "observed transaction vanishes"
    assert views


async def async_p4(open_store):
    """Lost update: two who add to what they read both count."""
    first, second, _ = await async_managers(open_store)
    steps = AsyncInterleaving("A", "B", "A", "B")

    async def add(tx, name):
        await steps.turn(name)
        x = await async_amount(tx, "x")
        await steps.turn(name)
        await async_put(tx, "x", x + 1)

    await steps.run(A=lambda: first.run(lambda tx: add(tx, "A")), B=lambda: second.run(lambda tx: add(tx, "B")))
    assert await async_amounts(open_store(), "x") == [12], "lost update"


async def async_g_single(open_store, *, read_only):
    """Read skew: two reads of a transaction are of one moment."""
    first, second, _ = await async_managers(open_store)
    steps = AsyncInterleaving("A", "B", "A")
    totals = []

    async def add_up(tx):
        await steps.turn("A")
        x = await async_amount(tx, "x")
        await steps.turn("A")
        totals.append(x + await async_amount(tx, "y"))
        return totals[-1]

    async def move(tx):
        await steps.turn("B")
        await async_put(tx, "x", 12)
        await async_put(tx, "y", 18)

    await steps.run(A=lambda: first.run(add_up, read_only=read_only), B=lambda: second.run(move))
    assert set(totals) == {30}, "read skew"


async def async_g_single_write(open_store):
    """Read skew with a write: a decision on an outdated read is not committed."""
    first, second, _ = await async_managers(open_store)
    steps = AsyncInterleaving("A", "B", "A")

    async def mark(tx):
        await steps.turn("A")
        await async_put(tx, "z", await async_amount(tx, "x"))
        await steps.turn("A")

    async def move(tx):
        await steps.turn("B")
        await async_put(tx, "x", 12)

    await steps.run(A=lambda: first.run(mark), B=lambda: second.run(move))
    assert await async_amounts(open_store(), "x", "z") == [12, 12], "read skew"


async def async_g2_item(open_store):
    """Write skew: two who read both and write one each cannot both have seen the old pair."""
    first, second, _ = await async_managers(open_store)
    steps = AsyncInterleaving("A", "B", "A", "B")

    async def take(tx, name, account):
        await steps.turn(name)
        together = await async_amount(tx, "x") + await async_amount(tx, "y")
        await steps.turn(name)
        if together >= 30:
            await async_put(tx, account, await async_amount(tx, account) - 30)
            return "taken"
        return "refused"

    outcomes = await steps.run(
        A=lambda: first.run(lambda tx: take(tx, "A", "x")), B=lambda: second.run(lambda tx: take(tx, "B", "y"))
    )
    assert outcomes == ["taken", "refused"], "write skew"
    assert sum(await async_amounts(open_store(), "x", "y")) == 0


async def async_g2_read_only(open_store):
    """The read-only anomaly (Fekete, O'Neil, O'Neil, 2004): what a reader saw stands in every order of the others."""
    first, second, third = await async_managers(open_store, x=0, y=0)
    steps = AsyncInterleaving("B", "A", "C", "B")

    async def withdraw(tx):
        await steps.turn("B")
        together = await async_amount(tx, "x") + await async_amount(tx, "y")
        await steps.turn("B")
        await async_put(tx, "x", -10 if together >= 10 else -11)

    async def deposit(tx):
        await steps.turn("A")
        await async_put(tx, "y", 20)

    async def look(tx):
        await steps.turn("C")
        return await async_amount(tx, "x"), await async_amount(tx, "y")

    _, _, seen = await steps.run(
        A=lambda: first.run(deposit), B=lambda: second.run(withdraw), C=lambda: third.run(look, read_only=True)
    )
    assert seen == (0, 20)
    assert await async_amounts(open_store(), "x", "y") == [-10, 20], "read-only anomaly"


ANOMALIES = {
    "G0": async_g0,
    "G1a": async_g1a,
    "G1b": lambda open_store: async_g1b(open_store, read_only=False),
    "G1b read-only": lambda open_store: async_g1b(open_store, read_only=True),
    "G1c": async_g1c,
    "OTV": async_otv,
    "P4": async_p4,
    "G-single": lambda open_store: async_g_single(open_store, read_only=False),
    "G-single read-only": lambda open_store: async_g_single(open_store, read_only=True),
    "G-single write": async_g_single_write,
    "G2-item": async_g2_item,
    "G2 read-only": async_g2_read_only,
}


@pytest.mark.parametrize("anomaly", ANOMALIES)
async def test_an_anomaly_does_not_happen(place, anomaly):
    """The transactions come out as if one had run after the other."""
    await ANOMALIES[anomaly](place.store)


# Planted faults: the suite can fail.


class AsyncUncheckedBackend(AsyncWrappedBackend):
    """Leaves out the checks of what was only read."""

    async def commit(self, writes: Sequence[Write], *, timeout: float):
        kept = [write for write in writes if not isinstance(write, Check)]
        return await super().commit(kept, timeout=timeout)


class AsyncCarelessBackend(AsyncWrappedBackend):
    """Ignores the preconditions of what is written."""

    async def commit(self, writes: Sequence[Write], *, timeout: float):
        careless = [Put(write.path, write.fields) if isinstance(write, Put) else write for write in writes]
        return await super().commit(careless, timeout=timeout)


class AsyncForgetfulBackend(AsyncWrappedBackend):
    """Never sees a change of what it read once."""

    def __init__(self, inner):
        super().__init__(inner)
        self.capabilities = inner.capabilities - {Capability.READ_AT}
        self.remembered: dict[DocumentPath, Document | None] = {}

    async def get_many(
        self, paths: Sequence[DocumentPath], *, timeout: float, consistent: bool = True, at: datetime | None = None
    ) -> Read:
        read = await super().get_many(paths, timeout=timeout, consistent=consistent, at=at)
        for path in paths:
            self.remembered.setdefault(path, read.get(path))
        found = {path: document for path in paths if (document := self.remembered[path]) and path != META}
        return Read({**found, **({META: read.documents[META]} if META in read.documents else {})}, read.read_time)


class AsyncHeedlessBackend(AsyncWrappedBackend):
    """Claims to read the past, and reads the present."""

    def __init__(self, inner):
        super().__init__(inner)
        self.capabilities = inner.capabilities | {Capability.READ_AT, Capability.STEADY_READS}

    async def get_many(
        self, paths: Sequence[DocumentPath], *, timeout: float, consistent: bool = True, at: datetime | None = None
    ) -> Read:
        return await super().get_many(paths, timeout=timeout, consistent=consistent)


PLANTED = [
    ("G2-item", AsyncUncheckedBackend, "AB", "write skew"),
    ("G2 read-only", AsyncUncheckedBackend, "B", "read-only anomaly"),
    ("G-single write", AsyncUncheckedBackend, "A", "read skew"),
    ("G1c", AsyncUncheckedBackend, "B", "circular information flow"),
    ("P4", AsyncCarelessBackend, "B", "lost update"),
    ("G-single", AsyncForgetfulBackend, "A", "read skew"),
    ("G-single read-only", AsyncForgetfulBackend, "A", "read skew"),
    ("G-single", AsyncHeedlessBackend, "A", "read skew"),
    ("G-single read-only", AsyncHeedlessBackend, "A", "read skew"),
    ("OTV", AsyncForgetfulBackend, "C", "observed transaction vanishes"),
]


@pytest.mark.parametrize(
    ("anomaly", "kind", "whose", "name"), PLANTED, ids=[f"{one[0]} {one[1].__name__}" for one in PLANTED]
)
async def test_a_planted_fault_lets_the_anomaly_happen(place, anomaly, kind, whose, name):
    """Without the part of the protocol that forbids it, in the clients of some actors."""
    # The first client opens the accounts, the next three are the actors' own, the last one looks.
    clients = iter(["", "A", "B", "C", ""])

    def open_store():
        store = place.store()
        client = next(clients)
        return AsyncBackendStore(kind(store.runtime.access.backend)) if client and client in whose else store

    with pytest.raises(AssertionError, match=name):
        await ANOMALIES[anomaly](open_store)
