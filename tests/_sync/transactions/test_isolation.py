# Generated from tests/_async/transactions/test_isolation.py by .ci/generate_sync.py; do not edit.
"""Isolation by the anomalies' names (Adya, Weak Consistency, 1999; Kleppmann's Hermitage): none of them happens.

Each is a real interleaving of two or three transactions, from clients of their own. Predicates are no part of a
transaction, so their anomalies (PMP, G2 over predicates) are not its promise.
"""
from collections.abc import Sequence
from datetime import datetime

import pytest

from tai_state import BackendStore, Capability
from tai_state.documents import Check, Document, DocumentPath, Put, Read, Write
from tai_state.layout import META
from tests._sync.accounts import amount, amounts, open_accounts, put, manager_of
from tests._sync.interleaving import Interleaving
from tests._sync.stores import WrappedBackend


class Undone(Exception):  # noqa: N818 - a body's own reason to give up
    pass


def managers(open_store, **amounts):
    """Open two accounts of 10 and 20, and return a manager of a client of its own for each of three actors."""
    open_accounts(open_store(), **(amounts or {"x": 10, "y": 20}))
    return [manager_of(open_store()) for _ in range(3)]


def g0(open_store):
    """Write cycles: the writes of two transactions never mix."""
    first, second, _ = managers(open_store)
    steps = Interleaving("A", "B", "A", "B")

    def write(tx, name, number):
        steps.turn(name)
        put(tx, "x", number)
        steps.turn(name)
        put(tx, "y", number)

    steps.run(
        A=lambda: first.run(lambda tx: write(tx, "A", 1)), B=lambda: second.run(lambda tx: write(tx, "B", 2))
    )
    x, y = amounts(open_store(), "x", "y")
    assert x == y, "dirty write"


def g1a(open_store):
    """Aborted reads: what a transaction wrote that was given up is never seen."""
    first, second, _ = managers(open_store)
    steps = Interleaving("A", "B", "A", "B", may_raise=Undone)

    def give_up(tx):
        steps.turn("A")
        put(tx, "x", 101)
        steps.turn("A")
        raise Undone

    def look(tx):
        steps.turn("B")
        before = amount(tx, "x")
        steps.turn("B")
        put(tx, "y", before + amount(tx, "x"))

    outcome, _ = steps.run(A=lambda: first.run(give_up), B=lambda: second.run(look))
    assert isinstance(outcome, Undone)
    assert amounts(open_store(), "x", "y") == [10, 20], "aborted read"


def g1b(open_store, *, read_only):
    """Intermediate reads: what a transaction wrote before it wrote something else is never seen."""
    first, second, _ = managers(open_store)
    steps = Interleaving("A", "B", "A", "B")
    seen = []

    def write(tx):
        steps.turn("A")
        put(tx, "x", 101)
        steps.turn("A")
        put(tx, "x", 11)

    def look(tx):
        steps.turn("B")
        seen.append(amount(tx, "x"))
        steps.turn("B")
        amount(tx, "y")
        seen.append(amount(tx, "x"))
        return seen[-1]

    _, last = steps.run(A=lambda: first.run(write), B=lambda: second.run(look, read_only=read_only))
    assert 101 not in seen, "intermediate read"
    # As of its first read, which was before; or anew, where the engine cannot read the past.
    assert last == (10 if Capability.READ_AT in open_store().capabilities else 11)


def g1c(open_store):
    """Circular information flow: two transactions never see each other's writes, nor both miss them."""
    first, second, _ = managers(open_store)
    steps = Interleaving("A", "B", "A", "B", "A", "B")

    def exchange(tx, name, own, others, number):
        steps.turn(name)
        put(tx, own, number)
        steps.turn(name)
        seen = amount(tx, others)
        steps.turn(name)
        return seen

    saw = steps.run(
        A=lambda: first.run(lambda tx: exchange(tx, "A", "x", "y", 11)),
        B=lambda: second.run(lambda tx: exchange(tx, "B", "y", "x", 22)),
    )
    assert saw in ([20, 11], [22, 10]), "circular information flow"


def otv(open_store):
    """Observed transaction vanishes: who saw one write of a transaction sees all of them."""
    first, second, third = managers(open_store)
    steps = Interleaving("A", "B", "A", "C", "B", "C")
    views = []

    def write(tx, name, x, y):
        steps.turn(name)
        put(tx, "x", x)
        steps.turn(name)
        put(tx, "y", y)

    def look(tx):
        steps.turn("C")
        x = amount(tx, "x")
        steps.turn("C")
        views.append((x, amount(tx, "y")))

    steps.run(
        A=lambda: first.run(lambda tx: write(tx, "A", 11, 19)),
        B=lambda: second.run(lambda tx: write(tx, "B", 12, 18)),
        C=lambda: third.run(look, read_only=True),
    )
    assert set(views) <= {(11, 19), (12, 18)}, "observed transaction vanishes"
    assert views


def p4(open_store):
    """Lost update: two who add to what they read both count."""
    first, second, _ = managers(open_store)
    steps = Interleaving("A", "B", "A", "B")

    def add(tx, name):
        steps.turn(name)
        x = amount(tx, "x")
        steps.turn(name)
        put(tx, "x", x + 1)

    steps.run(A=lambda: first.run(lambda tx: add(tx, "A")), B=lambda: second.run(lambda tx: add(tx, "B")))
    assert amounts(open_store(), "x") == [12], "lost update"


def g_single(open_store, *, read_only):
    """Read skew: two reads of a transaction are of one moment."""
    first, second, _ = managers(open_store)
    steps = Interleaving("A", "B", "A")
    totals = []

    def add_up(tx):
        steps.turn("A")
        x = amount(tx, "x")
        steps.turn("A")
        totals.append(x + amount(tx, "y"))
        return totals[-1]

    def move(tx):
        steps.turn("B")
        put(tx, "x", 12)
        put(tx, "y", 18)

    steps.run(A=lambda: first.run(add_up, read_only=read_only), B=lambda: second.run(move))
    assert set(totals) == {30}, "read skew"


def g_single_write(open_store):
    """Read skew with a write: a decision on an outdated read is not committed."""
    first, second, _ = managers(open_store)
    steps = Interleaving("A", "B", "A")

    def mark(tx):
        steps.turn("A")
        put(tx, "z", amount(tx, "x"))
        steps.turn("A")

    def move(tx):
        steps.turn("B")
        put(tx, "x", 12)

    steps.run(A=lambda: first.run(mark), B=lambda: second.run(move))
    assert amounts(open_store(), "x", "z") == [12, 12], "read skew"


def g2_item(open_store):
    """Write skew: two who read both and write one each cannot both have seen the old pair."""
    first, second, _ = managers(open_store)
    steps = Interleaving("A", "B", "A", "B")

    def take(tx, name, account):
        steps.turn(name)
        together = amount(tx, "x") + amount(tx, "y")
        steps.turn(name)
        if together >= 30:
            put(tx, account, amount(tx, account) - 30)
            return "taken"
        return "refused"

    outcomes = steps.run(
        A=lambda: first.run(lambda tx: take(tx, "A", "x")), B=lambda: second.run(lambda tx: take(tx, "B", "y"))
    )
    assert outcomes == ["taken", "refused"], "write skew"
    assert sum(amounts(open_store(), "x", "y")) == 0


def g2_read_only(open_store):
    """The read-only anomaly (Fekete, O'Neil, O'Neil, 2004): what a reader saw stands in every order of the others."""
    first, second, third = managers(open_store, x=0, y=0)
    steps = Interleaving("B", "A", "C", "B")

    def withdraw(tx):
        steps.turn("B")
        together = amount(tx, "x") + amount(tx, "y")
        steps.turn("B")
        put(tx, "x", -10 if together >= 10 else -11)

    def deposit(tx):
        steps.turn("A")
        put(tx, "y", 20)

    def look(tx):
        steps.turn("C")
        return amount(tx, "x"), amount(tx, "y")

    _, _, seen = steps.run(
        A=lambda: first.run(deposit), B=lambda: second.run(withdraw), C=lambda: third.run(look, read_only=True)
    )
    assert seen == (0, 20)
    assert amounts(open_store(), "x", "y") == [-10, 20], "read-only anomaly"


ANOMALIES = {
    "G0": g0,
    "G1a": g1a,
    "G1b": lambda open_store: g1b(open_store, read_only=False),
    "G1b read-only": lambda open_store: g1b(open_store, read_only=True),
    "G1c": g1c,
    "OTV": otv,
    "P4": p4,
    "G-single": lambda open_store: g_single(open_store, read_only=False),
    "G-single read-only": lambda open_store: g_single(open_store, read_only=True),
    "G-single write": g_single_write,
    "G2-item": g2_item,
    "G2 read-only": g2_read_only,
}


@pytest.mark.parametrize("anomaly", ANOMALIES)
def test_an_anomaly_does_not_happen(place, anomaly):
    """The transactions come out as if one had run after the other."""
    ANOMALIES[anomaly](place.store)


# Planted faults: the suite can fail.


class UncheckedBackend(WrappedBackend):
    """Leaves out the checks of what was only read."""

    def commit(self, writes: Sequence[Write], *, timeout: float):
        kept = [write for write in writes if not isinstance(write, Check)]
        return super().commit(kept, timeout=timeout)


class CarelessBackend(WrappedBackend):
    """Ignores the preconditions of what is written."""

    def commit(self, writes: Sequence[Write], *, timeout: float):
        careless = [Put(write.path, write.fields) if isinstance(write, Put) else write for write in writes]
        return super().commit(careless, timeout=timeout)


class ForgetfulBackend(WrappedBackend):
    """Never sees a change of what it read once."""

    def __init__(self, inner):
        super().__init__(inner)
        self.capabilities = inner.capabilities - {Capability.READ_AT}
        self.remembered: dict[DocumentPath, Document | None] = {}

    def get_many(
        self, paths: Sequence[DocumentPath], *, timeout: float, consistent: bool = True, at: datetime | None = None
    ) -> Read:
        read = super().get_many(paths, timeout=timeout, consistent=consistent, at=at)
        for path in paths:
            self.remembered.setdefault(path, read.get(path))
        found = {path: document for path in paths if (document := self.remembered[path]) and path != META}
        return Read({**found, **({META: read.documents[META]} if META in read.documents else {})}, read.read_time)


class HeedlessBackend(WrappedBackend):
    """Claims to read the past, and reads the present."""

    def __init__(self, inner):
        super().__init__(inner)
        self.capabilities = inner.capabilities | {Capability.READ_AT, Capability.STEADY_READS}

    def get_many(
        self, paths: Sequence[DocumentPath], *, timeout: float, consistent: bool = True, at: datetime | None = None
    ) -> Read:
        return super().get_many(paths, timeout=timeout, consistent=consistent)


PLANTED = [
    ("G2-item", UncheckedBackend, "AB", "write skew"),
    ("G2 read-only", UncheckedBackend, "B", "read-only anomaly"),
    ("G-single write", UncheckedBackend, "A", "read skew"),
    ("G1c", UncheckedBackend, "B", "circular information flow"),
    ("P4", CarelessBackend, "B", "lost update"),
    ("G-single", ForgetfulBackend, "A", "read skew"),
    ("G-single read-only", ForgetfulBackend, "A", "read skew"),
    ("G-single", HeedlessBackend, "A", "read skew"),
    ("G-single read-only", HeedlessBackend, "A", "read skew"),
    ("OTV", ForgetfulBackend, "C", "observed transaction vanishes"),
]


@pytest.mark.parametrize(
    ("anomaly", "kind", "whose", "name"), PLANTED, ids=[f"{one[0]} {one[1].__name__}" for one in PLANTED]
)
def test_a_planted_fault_lets_the_anomaly_happen(place, anomaly, kind, whose, name):
    """Without the part of the protocol that forbids it, in the clients of some actors."""
    # The first client opens the accounts, the next three are the actors' own, the last one looks.
    clients = iter(["", "A", "B", "C", ""])

    def open_store():
        store = place.store()
        client = next(clients)
        return BackendStore(kind(store.runtime.access.backend)) if client and client in whose else store

    with pytest.raises(AssertionError, match=name):
        ANOMALIES[anomaly](open_store)
