"""``examine``: what it says of a sound store, and of each thing that is not as it should be."""

from datetime import timedelta

import pytest

from tai_state import (
    AsyncBackendStore,
    AsyncLockManager,
    AsyncStateMachinePersister,
    Capability,
    Machine,
    Maintenance,
    RetriesExhaustedError,
    RetryPolicy,
    SystemClock,
    Transition,
    async_examine,
)
from tai_state._async.doctor import expired, leases, visit
from tai_state.documents import DocumentPath, Put
from tai_state.layout import LOCKS, WAITS, state_layout
from tai_state.rules.doctor import verdicts
from tai_state.rules.locking.leases import lease_path
from tai_state.testing import ManualClock
from tests._async.machines import COUNTER
from tests._async.stores import (
    TIMEOUT,
    AsyncUnreachableBackend,
    AsyncWrappedBackend,
    async_document_at,
    async_plant,
    in_memory,
)

S = state_layout("g", "s")
EVERYWHERE = [
    "reachable",
    "clock",
    "formats",
    "maintenance",
    "machines",
    "leases",
    "receipts",
    "transactions",
    "waits",
]
OF_ENGINES = {
    "memory": [],
    "sqlite": ["file", "indexes"],
    "firestore": ["indexes", "ttl", "rules"],
    "redis": ["durability", "eviction"],
}


async def async_lines(store, **options):
    """Return what is said, by what was looked at."""
    return {line.check: line async for line in async_examine(store, **options)}


@pytest.fixture
async def used(store):
    """A store in which something was done."""
    persister = AsyncStateMachinePersister(store, COUNTER)
    await persister.start("g", "s", {"n": 0}, idempotency_key="k1")
    await persister.transition("g", "s", "add", 1)
    lock = await AsyncLockManager(store).acquire("held")
    yield store
    await lock.release()


async def test_of_a_sound_store_nothing_wants_to_be_mended(used, backend_kind):
    """Each thing is a line, in one order; what cannot be asked of an engine here is told as that."""
    told = await async_lines(used)
    assert list(told) == EVERYWHERE + OF_ENGINES[backend_kind]
    on_emulator = OF_ENGINES["firestore"] if backend_kind == "firestore" else []
    assert [name for name, line in told.items() if line.status != "ok"] == on_emulator
    assert {told[name].status for name in on_emulator} <= {"not checkable"}
    assert {line.mend for line in told.values()} == {""}


async def test_an_empty_store_is_sound(store):
    """There is nothing to look at, and nothing is made."""
    told = await async_lines(store)
    assert {line.status for line in told.values()} <= {"ok", "not checkable"}
    assert [one async for one in store.list_governors()] == []


async def test_nothing_is_written(used, place):
    """Not even where something is wrong."""
    watched, calls = place.counting()
    await async_plant(used, DocumentPath(LOCKS, "bad"), holder=5)
    await async_lines(watched)
    assert "commit" not in calls.taken()


async def test_what_a_newer_release_wrote_is_a_problem(used):
    """This one does not read it: upgrade."""
    await async_plant(used, S.state, format=99)
    line = (await async_lines(used))["formats"]
    assert (line.status, line.mend) == ("problem", "pip install --upgrade tai_state")
    assert str(S.state) in line.message


async def test_a_state_that_cannot_be_read_is_a_problem(used):
    """Of which the check of all states says more."""
    await async_plant(used, S.state, status=5)
    line = (await async_lines(used))["formats"]
    assert (line.status, line.mend) == ("problem", "tai-state verify")


async def test_a_lock_that_is_held_past_its_time_is_a_warning(used):
    """Named, with what frees it."""
    held = await async_document_at(used, lease_path("held"))
    late = {**held.fields, "resource": "late", "ttl_seconds": 0.000001}
    await used.runtime.access.backend.commit([Put(lease_path("late"), late)], timeout=TIMEOUT)
    line = (await async_lines(used))["leases"]
    assert (line.status, line.mend) == ("warning", "tai-state recover")
    assert "'late'" in line.message
    assert "'held'" not in line.message


async def test_a_lock_that_cannot_be_read_is_a_problem(used):
    """Which the check of the locks tells more of."""
    await async_plant(used, DocumentPath(LOCKS, "bad"), holder=5)
    line = (await async_lines(used))["leases"]
    assert (line.status, line.mend) == ("problem", "tai-state verify")


async def test_a_lock_whose_process_is_gone_is_a_warning(used, backend_kind, monkeypatch):
    """Where the host of the store can see that; with the command that breaks it, whatever it is called."""
    monkeypatch.setattr(leases, "is_dead", lambda _: True)
    line = (await async_lines(used))["leases"]
    if backend_kind == "sqlite":
        assert (line.status, line.mend[:30]) == ("warning", "tai-state locks break held --t")
    else:
        assert line.status == "ok"


async def test_of_another_host_no_process_is_judged(used, monkeypatch):
    """Numbers of processes say nothing there."""
    monkeypatch.setattr(leases, "is_dead", lambda _: True)
    backend = AsyncWrappedBackend(used.runtime.access.backend)
    backend.capabilities = backend.capabilities - {Capability.ONE_HOST}
    assert (await async_lines(AsyncBackendStore(backend)))["leases"].status == "ok"


@in_memory
async def test_what_expired_a_while_ago_is_about_to_go(used, monkeypatch):
    """A TTL policy takes a day: till then there is nothing to say."""
    monkeypatch.setattr(verdicts, "LEFT_DOCUMENTS_MAX", 0)
    for days, status in ((1, "ok"), (3, "warning")):
        over = {"tai_expires_at": SystemClock().now() - timedelta(days=days), "ttl_seconds": -86_400.0 * days}
        await used.runtime.access.backend.commit([Put(DocumentPath(WAITS, "w"), over)], timeout=TIMEOUT)
        assert (await async_lines(used))["waits"].status == status


@pytest.mark.parametrize("kind", ["receipts", "waits"])
async def test_what_has_expired_and_stays_is_a_warning(used, monkeypatch, kind):
    """More of it than would be chance; and no more documents are looked at than is bounded."""
    monkeypatch.setattr(verdicts, "LEFT_DOCUMENTS_MAX", 2)
    monkeypatch.setattr(verdicts, "LEFT_SINCE", timedelta(0))
    monkeypatch.setattr(expired, "DOCUMENTS_MAX", 4)
    collection = S.governor.receipts if kind == "receipts" else WAITS
    over = {"tai_expires_at": ManualClock().now() - timedelta(days=4_000), "ttl_seconds": 0.0}
    for number in range(5):
        writes = [Put(DocumentPath(collection, f"00{number}"), over)]
        await used.runtime.access.backend.commit(writes, timeout=TIMEOUT)
    line = (await async_lines(used))[kind]
    assert (line.status, line.mend) == ("warning", "tai-state gc")
    assert line.message == "the first 4 looked at, 4 expired long ago: nothing removes them"


async def test_a_snapshot_that_was_long_not_made_is_a_warning(used, place):
    """With the command that makes it."""
    persister = AsyncStateMachinePersister(used, COUNTER)
    for _ in range(9):
        await persister.transition("g", "s", "add", 1)
    store = place.store(maintenance=Maintenance(snapshot_interval=1))
    line = (await async_lines(store))["maintenance"]
    assert (line.status, line.mend) == ("warning", "tai-state snapshot g s")
    assert "11 versions of 's'" in line.message


async def test_a_machine_with_two_definitions_is_a_warning(used):
    """Those of the sample are held against each other, and machines that are given against every state."""
    other = Machine(COUNTER.name, COUNTER.initial, [*COUNTER.transitions, Transition("leap", "*", COUNTER.initial)])
    assert (await async_lines(used, machines=[COUNTER]))["machines"].status == "ok"
    line = (await async_lines(used, machines=[other]))["machines"]
    assert line.status == "warning"
    assert "2 definitions" in line.message
    await AsyncStateMachinePersister(used, other).start("g", "t", {"n": 0})
    line = (await async_lines(used))["machines"]
    assert line.status == "warning"
    assert "machine diff" in line.mend


async def test_what_is_looked_at_is_bounded(used, monkeypatch):
    """A sample of the states, of some governors."""
    for number in range(3):
        await used.save_state(f"g{number}", "s", {})
        await used.save_state(f"g{number}", "t", {})
    monkeypatch.setattr(visit, "GOVERNORS_MAX", 2)
    monkeypatch.setattr(visit, "STATES_MAX", 1)
    line = (await async_lines(used))["formats"]
    assert line.message.startswith("2 states of 2 governors sampled")


@in_memory
@pytest.mark.parametrize(
    ("ahead", "status"), [(0.5, "ok"), (-0.5, "ok"), (5, "warning"), (-5, "warning"), (90, "problem"), (-90, "problem")]
)
async def test_a_host_whose_clock_is_off_is_told(used, ahead, status):
    """By how far, and in which direction."""

    class AsyncOtherTimeBackend(AsyncWrappedBackend):
        async def server_time(self, *, timeout):
            return (await super().server_time(timeout=timeout)) - timedelta(seconds=ahead)

    line = (await async_lines(AsyncBackendStore(AsyncOtherTimeBackend(used.runtime.access.backend))))["clock"]
    assert line.status == status
    if status != "ok":
        assert ("ahead of" if ahead > 0 else "behind") in line.message
        assert line.mend.startswith("timedatectl set-ntp true")
        # A store that is ahead stays so, unless it is restored.
        assert ("restore FILE --set-clock" in line.mend) == (ahead < 0)


@in_memory
async def test_a_slow_store_is_a_warning(used):
    """How long it took is told."""
    clock = ManualClock()

    class AsyncSlowBackend(AsyncWrappedBackend):
        async def get_many(self, paths, *, timeout, consistent=True, at=None):
            clock.advance(1.5)
            return await super().get_many(paths, timeout=timeout, consistent=consistent, at=at)

    store = AsyncBackendStore(AsyncSlowBackend(used.runtime.access.backend), clock=clock)
    line = (await async_lines(store))["reachable"]
    assert (line.status, "1,500 ms" in line.message) == ("warning", True)


@in_memory
async def test_a_store_that_does_not_answer_is_an_error(used):
    """There is nothing to say of it."""
    backend = AsyncUnreachableBackend(used.runtime.access.backend)
    backend.is_cut = True
    store = AsyncBackendStore(backend, retry=RetryPolicy(attempts=2, wait_initial=0.0, wait_max=0.0))
    with pytest.raises(RetriesExhaustedError):
        await async_lines(store)
