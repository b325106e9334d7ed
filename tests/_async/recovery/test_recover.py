"""Recovery: stopped anywhere and run again, beside live writers, and what it leaves behind."""

from functools import partial
from typing import Any

import pytest

from tai_state import (
    AsyncBackendStore,
    AsyncLockManager,
    AsyncStateMachinePersister,
    ChangeMetadata,
    async_recover,
    async_verify,
    change_context,
)
from tai_state._platform.tasks import async_gather
from tai_state.codec import Payload
from tai_state.documents import Delete, Put
from tai_state.layout import AUDIT, state_layout
from tai_state.rules.locking.leases import lease_path
from tests._async.dependents import async_marks
from tests._async.machines import COUNTER
from tests._async.recovery.damages import CASES, CONFIG, VERSIONS, S, async_live, async_sound_contents
from tests._async.stores import (
    TIMEOUT,
    AsyncWrappedBackend,
    async_alter,
    async_contents,
    async_document_at,
    async_find,
    async_plant,
    in_memory,
)

MANY = [
    "unsealed events swapped",
    "events swapped",
    "snapshot altered",
    "segment truncated",
    "state altered",
    "receipt of no change",
]


class StoppedError(Exception):
    """The process died."""


class AsyncDyingBackend(AsyncWrappedBackend):
    """Dies behind so many commits, or right before the next one."""

    def __init__(self, inner, commits):
        super().__init__(inner)
        self.left = commits

    async def commit(self, writes, *, timeout):
        if not self.left:
            raise StoppedError
        self.left -= 1
        return await super().commit(writes, timeout=timeout)


async def async_records(store, collection):
    """Return the fields of the documents of *collection*."""
    return [one.fields async for one in store.runtime.access.backend.scan(collection, timeout=TIMEOUT)]


async def async_problems(store):
    """Return all that is found."""
    return [one.kind async for report in async_verify(store, "g") for one in report.problems]


async def test_stopped_behind_any_commit_it_completes(place):
    """Whatever was done by then stays done; run again, it ends as if it had never been stopped."""
    store = place.store()
    persister = await async_live(store)
    sound = await async_sound_contents(store)
    damaged = None
    for stop in range(20):
        if damaged is None:
            for name in MANY:
                await CASES[name].damage(store)
            damaged = await async_contents(store)
        backend = AsyncDyingBackend(store.runtime.access.backend, stop)
        try:
            dying = AsyncStateMachinePersister(AsyncBackendStore(backend, actor="tester"), COUNTER, CONFIG)
            await dying.recover("g")
        except StoppedError:
            pass
        else:
            assert stop > len(MANY)
            break
        report = await persister.recover("g")
        assert report.unresolved == []
        assert await async_sound_contents(store) == sound
        assert await async_problems(store) == []
        writes = [Put(document.path, document.fields) for document in damaged.values()]
        await store.runtime.access.backend.commit(writes, timeout=TIMEOUT)
    else:
        pytest.fail("it never ended")


async def test_a_second_run_finds_nothing_to_do(store):
    """And writes nothing."""
    persister = await async_live(store)
    for name in MANY:
        await CASES[name].damage(store)
    assert len((await persister.recover("g")).repaired) >= len(MANY)
    before = await async_contents(store)
    report = await persister.recover("g")
    assert (report.repaired, report.unresolved) == ([], [])
    assert await async_contents(store) == before


async def test_each_repair_leaves_a_record(store):
    """Who, when and why, what was there and what is; not an event."""
    persister = await async_live(store)
    await async_plant(store, S.state, status="shut")
    author = ChangeMetadata(changed_by="ann", reason="after the crash")
    (repair,) = (await persister.recover("g", metadata=author)).repaired
    (record,) = await async_records(store, S.governor.audit)
    told = {name: record[name] for name in ("kind", "state_id", "version", "changed_by", "reason")}
    assert told == {
        "kind": "corrupt_state",
        "state_id": "s",
        "version": VERSIONS,
        "changed_by": "ann",
        "reason": "after the crash",
    }
    assert repair.audit_id
    before, after = (Payload.stored(record[name]).value() for name in ("before", "after"))
    assert (before["status"], after["status"]) == ("shut", "open")
    assert len([event async for event in persister.history("g", "s")]) == VERSIONS


async def test_the_author_is_found_as_for_every_change(store):
    """The argument, the context, the store's actor."""
    await async_live(store)
    for actor in (None, "bob"):
        await async_plant(store, S.state, status="shut")
        with change_context(reason="because"):
            assert [report async for report in async_recover(store, "g", actor=actor)]
    found = await async_records(store, S.governor.audit)
    assert sorted((one["changed_by"], one["reason"]) for one in found) == [("bob", "because"), ("tester", "because")]


async def test_what_cannot_be_repaired_is_kept_in_quarantine(store):
    """Whole, once, and readable; the document itself stays where it is."""
    persister = await async_live(store)
    await async_plant(store, S.event(10), payload={"n": 77})
    found = await async_document_at(store, S.event(10))
    for _ in range(2):
        report = await persister.recover("g")
        assert [(one.kind, one.version) for one in report.unresolved] == [("corrupt_event", 10)]
    (copy,) = await async_records(store, S.governor.quarantine)
    assert (copy["kind"], copy["path"]) == ("corrupt_event", str(S.event(10)))
    assert Payload.stored(copy["content"]).value() == found.fields
    assert await async_document_at(store, S.event(10)) == found


async def test_what_blocks_the_next_change_is_moved_to_quarantine(store):
    """It is kept there, and the change goes on."""
    persister = await async_live(store)
    await CASES["event doubled behind the last"].damage(store)
    found = await async_document_at(store, S.event(VERSIONS + 1))
    assert (await persister.recover("g")).unresolved == []
    assert await async_find(store, S.event(VERSIONS + 1)) is None
    (copy,) = await async_records(store, S.governor.quarantine)
    assert Payload.stored(copy["content"]).value() == found.fields
    assert (await persister.transition("g", "s", "add", 1)).version == VERSIONS + 1


async def test_a_restored_event_keeps_the_time_of_its_commit(store):
    """The engine has another time for the document by then."""
    persister = await async_live(store)
    before = [event async for event in persister.history("g", "s")]
    await CASES["all sealed events deleted"].damage(store)
    assert (await persister.recover("g")).unresolved == []
    assert [event async for event in persister.history("g", "s")] == before


async def test_a_document_of_a_newer_release_is_not_touched(store):
    """Nor is anything else of its state: its rules may be others."""
    persister = await async_live(store)
    await store.runtime.access.backend.commit([Delete(S.event(2))], timeout=TIMEOUT)
    await async_plant(store, S.event(5), format=99)
    before = await async_sound_contents(store)
    report = await persister.recover("g")
    assert {one.kind for one in report.unresolved} == {"missing_event", "newer_format"}
    assert report.repaired == []
    assert await async_sound_contents(store) == before


async def test_without_a_governor_all_are_recovered_and_leases_freed(store):
    """The token of a lock stays, its holder goes, and the lock can be had."""
    await async_live(store)
    await store.save_state("h", "x", {})
    await async_plant(store, state_layout("h", "x").state, data=5)
    await CASES["state deleted"].damage(store)
    locks = AsyncLockManager(store)
    lock = await locks.acquire("held")
    held = await async_document_at(store, lease_path("held"))
    dead = {**held.fields, "resource": "dead", "ttl_seconds": 0.000001, "fencing_token": 7}
    await store.runtime.access.backend.commit([Put(lease_path("dead"), dead)], timeout=TIMEOUT)
    reports = [report async for report in async_recover(store)]
    told = [(one.governor_id, [repair.kind for repair in one.repaired], one.unresolved) for one in reports]
    assert told == [("g", ["state_missing"], []), ("h", ["corrupt_state"], []), ("", ["expired_lease"], [])]
    freed = await async_document_at(store, lease_path("dead"))
    assert (freed.fields["holder"], freed.fields["fencing_token"]) == (None, 7)
    assert lock.held
    await lock.release()
    (record,) = await async_records(store, AUDIT)
    assert record["kind"] == "expired_lease"


async def test_beside_live_writers_nothing_is_lost(place):
    """Four writers move their states while what was hurt is repaired; each acknowledged move is there."""
    store = place.store()
    persister = await async_live(store)
    for name in ("w0", "w1", "w2", "w3"):
        await persister.start("g", name, {"n": 0})
    for name in MANY:
        await CASES[name].damage(store)
    moves = 25

    async def write(name):
        own = AsyncStateMachinePersister(place.store(), COUNTER, CONFIG)
        for _ in range(moves):
            await own.transition("g", name, "add", 1)

    async def repair():
        for _ in range(3):
            assert (await persister.recover("g")).unresolved == []

    calls: list[Any] = [*(partial(write, name) for name in ("w0", "w1", "w2", "w3")), repair]
    await async_gather(calls)
    for name in ("w0", "w1", "w2", "w3"):
        snapshot, version = await store.get_state("g", name)
        assert (snapshot.data, version) == ({"n": moves}, moves + 1)
    assert await async_problems(store) == []


@in_memory
async def test_a_writer_that_is_faster_is_looked_at_again(place):
    """A repair that finds its document changed writes nothing over it."""
    store = place.store()
    persister = await async_live(store)
    await async_plant(store, S.state, data=5)
    backend = AsyncFasterBackend(store.runtime.access.backend, persister)
    other = AsyncStateMachinePersister(AsyncBackendStore(backend, actor="tester"), COUNTER, CONFIG)
    report = await other.recover("g")
    assert (report.repaired, report.unresolved) == ([], [])
    assert (await store.get_state("g", "s"))[1] == VERSIONS + 1
    assert await async_problems(store) == []


class AsyncFasterBackend(AsyncWrappedBackend):
    """Lets somebody else move s right before the first commit."""

    def __init__(self, inner, persister):
        super().__init__(inner)
        self.persister = persister

    async def commit(self, writes, *, timeout):
        persister, self.persister = self.persister, None
        if persister is not None:
            await persister.transition("g", "s", "add", 1)
        return await super().commit(writes, timeout=timeout)


@in_memory
async def test_a_reply_that_was_lost_is_no_second_repair(place):
    """The repair is told as done, and its record is there once."""
    await async_live(place.store())
    await async_plant(place.store(), S.state, status="shut")
    store, _ = place.faulty("reply lost", "reply lost")
    (report,) = [report async for report in async_recover(store, "g")]
    assert ([one.kind for one in report.repaired], report.unresolved) == (["corrupt_state"], [])
    assert len(await async_records(store, S.governor.audit)) == 1


async def test_marks_of_dependents_come_back_with_the_state(store):
    """They follow from what depends on it: a move concerns them again."""
    persister = await async_live(store)
    await async_alter(store, S, dependents={})
    await CASES["state deleted"].damage(store)
    await persister.recover("g")
    assert await async_marks(store, "s") == {"d": "counter"}
