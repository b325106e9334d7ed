"""The memory backend in both colours against the conformance suite, and what is its alone."""

import contextlib
import sys
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from tai_state._async.backends.memory import AsyncMemoryBackend
from tai_state._platform.tasks import together
from tai_state._sync.backends.memory import MemoryBackend
from tai_state.documents import Cursor, Delete, DocumentPath, FieldEquals, Put, Query, UpdatedAt
from tai_state.errors import InvalidDataError, InvalidIdError, PreconditionFailedError
from tai_state.testing._async.conformance import AsyncBackendConformance
from tai_state.testing._sync.conformance import BackendConformance
from tai_state.testing.clock import ManualClock

STATES = "governors/g/states"
AT = DocumentPath(STATES, "s")
TIMEOUT = 5.0


class TestAsyncMemory(AsyncBackendConformance):
    @pytest.fixture
    async def backend(self):
        backend = AsyncMemoryBackend()
        yield backend
        await backend.close()


class TestMemory(BackendConformance):
    @pytest.fixture
    def backend(self):
        backend = MemoryBackend()
        yield backend
        backend.close()


class TestMemoryOnAStandingClock(BackendConformance):
    """The contract holds even when the injected clock does not move at all."""

    @pytest.fixture
    def backend(self):
        return MemoryBackend(clock=ManualClock())


# What only this backend can be asked: its clock is given, and it is as strict as production.


@pytest.fixture
def clock():
    return ManualClock(datetime(2026, 3, 1, tzinfo=UTC))


@pytest.fixture
def backend(clock):
    return MemoryBackend(clock=clock)


def _nested(depth):
    value: object = 1
    for _ in range(depth):
        value = {"level": value}
    return value


def test_times_follow_the_injected_clock(backend, clock):
    """A commit's time is the clock's, to within the ticks that keep times apart."""
    clock.advance(90)
    written = backend.commit([Put(AT, {"n": 1})], timeout=TIMEOUT)
    assert timedelta(0) <= written.commit_time - clock.now() < timedelta(milliseconds=1)


@pytest.mark.parametrize("seconds", [-86_400, 86_400])
def test_a_step_of_the_wall_clock_moves_no_time(backend, clock, seconds):
    """The store's clock goes by elapsed time, so that no lease ends early or late."""
    before = backend.server_time(timeout=TIMEOUT)
    clock.step_wall(seconds)
    clock.advance(1)
    written = backend.commit([Put(AT, {"n": 1})], timeout=TIMEOUT)
    assert abs(written.commit_time - before - timedelta(seconds=1)) < timedelta(milliseconds=1)


def test_a_write_that_changes_nothing_keeps_the_update_time(backend):
    """As on Firestore, a Put of equal fields leaves the document as it was."""
    first = backend.commit([Put(AT, {"n": 1, "m": {"a": 1, "b": 2}})], timeout=TIMEOUT)
    second = backend.commit([Put(AT, {"m": {"b": 2, "a": 1}, "n": 1})], timeout=TIMEOUT)
    assert second.commit_time > first.commit_time
    assert second.update_times == first.update_times


@pytest.mark.parametrize(
    "fields",
    [
        {"list": [[1]]},
        {"list": [1, {"list": [[]]}]},
        {"": 1},
        {"map": {"": 1}},
        {"__x__": 1},
        {"list": [{"____": 1}]},
        {"k" * 1_501: 1},
        {"é" * 751: 1},
        {"data": {"k" * 1_496: 1}},
        {"data": [{"k" * 1_496: 1}]},
        _nested(22),
        {"tuple": (1,)},
        {"nan": float("nan")},
        {"int": 2**63},
        {"time": datetime(2026, 1, 1)},  # noqa: DTZ001 - a naive one is what must be refused
        {"text": "\ud800"},
        {1: "key"},
    ],
    ids=lambda fields: ascii(fields)[:30],
)
def test_what_firestore_cannot_hold_is_refused(backend, fields):
    """A document that production would refuse is refused, and nothing of its commit is written."""
    other = DocumentPath(STATES, "other")
    with pytest.raises(InvalidDataError):
        backend.commit([Put(other, {"n": 1}), Put(AT, fields)], timeout=TIMEOUT)
    assert backend.get_many([other, AT], timeout=TIMEOUT).documents == {}


@pytest.mark.parametrize("fields", [_nested(21), {"data": {"k" * 1_495: 1}}], ids=["levels", "key"])
def test_what_firestore_can_just_hold_is_held(backend, fields):
    """Twenty levels below the document's own, and a dotted path of 1,500 bytes, are fine."""
    backend.commit([Put(AT, fields)], timeout=TIMEOUT)
    assert backend.get(AT, timeout=TIMEOUT).documents[AT].fields == fields


@pytest.mark.parametrize(
    "at",
    [
        *(DocumentPath(STATES, id_) for id_ in ("", ".", "..", "a/b", "__x__", "é" * 751)),
        DocumentPath("governors/g", "s"),
        DocumentPath("governors//states", "s"),
        DocumentPath("governors/../states", "s"),
    ],
    ids=lambda at: ascii(str(at))[:30],
)
def test_a_path_that_firestore_refuses_is_refused(backend, at):
    """Only stored ids, as layout makes them, name documents."""
    with pytest.raises(InvalidIdError):
        backend.commit([Put(at, {"n": 1})], timeout=TIMEOUT)


def test_a_hundred_thousand_documents(backend, scale):
    """Reads by id and by range stay quick beside very many documents, written in no order."""
    count = scale(10_000, 100_000)
    middle, last = count // 2, count - 1
    ids = [f"{n * 7_919 % count:06}" for n in range(count)]
    for first in range(0, count, 1_000):
        backend.commit(
            [Put(DocumentPath(STATES, id_), {"status": id_[-1]}) for id_ in ids[first : first + 1_000]],
            timeout=TIMEOUT,
        )
    backend.commit([Delete(DocumentPath(STATES, f"{middle + 1:06}"))], timeout=TIMEOUT)
    found = backend.scan(STATES, start=f"{middle:06}", limit=3, timeout=TIMEOUT)
    assert [one.path.id for one in found] == [f"{middle + step:06}" for step in (0, 2, 3)]
    assert sum(1 for _ in backend.scan(STATES, timeout=TIMEOUT)) == last
    cursor = Cursor(DocumentPath(STATES, f"{count - 50:06}"))
    query = Query(collection=STATES, equal=(FieldEquals("status", "7"),), after=cursor)
    matches = backend.query(query, timeout=TIMEOUT)
    assert [one.path.id for one in matches] == [f"{count - 50 + step:06}" for step in (7, 17, 27, 37, 47)]


def test_threads_that_switch_at_any_point_lose_nothing(backend, request):
    """Comparing and setting is one step to other threads, however often the interpreter switches between them."""
    request.addfinalizer(partial(sys.setswitchinterval, sys.getswitchinterval()))
    sys.setswitchinterval(1e-6)
    writers, rounds = 4, 150
    backend.commit([Put(AT, {"n": 0})], timeout=TIMEOUT)

    def increment():
        left = rounds
        while left:
            seen = backend.get(AT, timeout=TIMEOUT).documents[AT]
            with contextlib.suppress(PreconditionFailedError):
                write = Put(AT, {"n": seen.fields["n"] + 1}, UpdatedAt(seen.update_time))
                backend.commit([write], timeout=TIMEOUT)
                left -= 1

    together([increment] * writers)
    assert backend.get(AT, timeout=TIMEOUT).documents[AT].fields == {"n": writers * rounds}


def test_a_watch_that_is_left_listens_no_more(backend):
    """The store forgets a watcher that has ended."""
    for _ in backend.watch(AT, timeout=0.01):
        pass
    assert backend._engine._listeners == {}
