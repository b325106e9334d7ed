"""Erasing: no value of a state is left anywhere, and its chain still proves which changes there were."""

from datetime import timedelta
from functools import partial

import pytest

from tai_state import (
    AsyncBackendStore,
    HistoryPolicy,
    InvalidDataError,
    StateNotFoundError,
    async_recover,
    async_verify,
)
from tai_state._platform.tasks import async_gather
from tai_state.documents import Delete, Put
from tests._async.recovery.erasing import MARK, S, async_holding, async_marked, persisted
from tests._async.recovery.test_gc import AsyncKilledBackend, KilledError, async_check
from tests._async.stores import TIMEOUT, AsyncWrappedBackend, async_document_at, async_find, async_plant


async def async_damage_and_recover(store):
    """Leave copies of what the state held in audit and in quarantine."""
    await async_plant(store, S.snapshot(10), status="other")
    await async_plant(store, S.event(14), to_status="other")
    for _ in range(2):
        [report async for report in async_recover(store, "g")]


async def test_nothing_of_an_erased_state_is_left(store):
    """In no document: events, segments, snapshots, receipts, audit, quarantine, the state, results."""
    await async_marked(store)
    await async_damage_and_recover(store)
    assert len(await async_holding(store)) > 20
    report = await store.erase_state("g", "s", reason="they asked")
    assert await async_holding(store) == []
    assert (report.states, report.snapshots, report.receipts) == (1, 2, 13)
    assert report.events > 0
    assert report.segments > 0
    await async_check(store)


async def test_what_stays_proves_the_chain(store):
    """The hashes are what they were, and so are versions, times, statuses and actions."""
    await async_marked(store)
    before = [event async for event in store.get_events("g", "s")]
    await store.erase_state("g", "s", reason="they asked")
    after = [event async for event in store.get_events("g", "s")]
    assert [one.hash for one in after[:-1]] == [one.hash for one in before]
    assert [(one.version, one.action, one.to_status, one.timestamp, one.committed_at) for one in after[:-1]] == [
        (one.version, one.action, one.to_status, one.timestamp, one.committed_at) for one in before
    ]
    last = after[-1]
    assert (last.kind, last.deleted, last.previous_hash, last.metadata.reason) == (
        "erase",
        True,
        before[-1].hash,
        "they asked",
    )
    assert {(one.payload, one.metadata.changed_by, one.idempotency_key) for one in after[:-1]} == {(None, "", None)}
    assert (await persisted(store).replay("g", "s", until_version=last.version)).deleted


async def test_the_erased_state_is_deleted_and_may_be_made_again(store):
    """It goes on with its versions; nothing of before comes back."""
    await async_marked(store)
    await store.erase_state("g", "s", reason="they asked")
    with pytest.raises(StateNotFoundError):
        await store.get_state("g", "s")
    assert await store.save_state("g", "s", {"n": 1}) == 16
    for number in range(8):
        await store.save_state("g", "s", {"n": number})
    await persisted(store).gc("g", history=HistoryPolicy(compact_after=timedelta(0)))
    await async_check(store)
    assert await async_holding(store) == []


async def test_what_was_made_again_is_erased_again(store):
    """Also where it was deleted since, as it is after an erasure."""
    await async_marked(store, changes=2)
    await store.erase_state("g", "s", reason="they asked")
    await store.save_state("g", "s", {"text": MARK})
    await store.delete_state("g", "s")
    await store.erase_state("g", "s", reason="they asked again")
    assert await async_holding(store) == []
    await async_check(store)
    versions = [event.version async for event in store.get_events("g", "s")]
    await store.erase_state("g", "s", reason="they asked again")
    assert [event.version async for event in store.get_events("g", "s")] == versions


async def test_the_record_tells_who_erased_and_why(store):
    """In audit, and what was erased is named."""
    await async_marked(store)
    await store.erase_state("g", "s", reason="they asked")
    found = [one.fields async for one in store.runtime.access.backend.scan(S.governor.audit, timeout=TIMEOUT)]
    ((kind, state_id, by, reason),) = [
        (one["kind"], one["state_id"], one["changed_by"], one["reason"]) for one in found
    ]
    assert (kind, state_id, by, reason) == ("erasure", "s", "tester", "they asked")
    assert (await async_document_at(store, S.erasure)).fields["is_finished"] is True


@pytest.mark.parametrize("reason", ["", "  ", None], ids=repr)
async def test_an_erasure_needs_a_reason(store, reason):
    """Nothing is done without one."""
    await async_marked(store, changes=1)
    with pytest.raises(InvalidDataError):
        await store.erase_state("g", "s", reason=reason)
    assert await store.exists("g", "s")


async def test_a_state_that_never_was_is_not_erased(store):
    """It is told."""
    with pytest.raises(StateNotFoundError):
        await store.erase_state("g", "never", reason="they asked")


async def test_another_state_keeps_what_it_holds(store):
    """One whose id begins alike, too."""
    await async_marked(store)
    await store.save_state("g", "s2", {"text": "other"}, idempotency_key="k")
    await store.erase_state("g", "s", reason="they asked")
    assert (await store.get_state("g", "s2"))[0].data == {"text": "other"}
    assert await store.save_state("g", "s2", {"text": "other"}, idempotency_key="k") == 1


@pytest.mark.parametrize("ends", ["by another call", "by a recovery"])
async def test_stopped_behind_any_commit_an_erasure_is_ended(place, ends):
    """It is one finding, nothing else is told of the state, and nothing comes back from a segment."""
    store = place.store()
    await async_marked(store, changes=8)
    await persisted(store).gc("g", history=HistoryPolicy(compact_after=timedelta(0)))
    kinds, commits, is_stopped = [], 0, True
    while is_stopped:
        commits += 1
        killed = AsyncKilledBackend(store.runtime.access.backend, 1)
        try:
            other = AsyncBackendStore(killed, actor="tester")
            if ends == "by another call" or commits == 1:
                await other.erase_state("g", "s", reason="they asked")
            else:
                [one async for one in async_recover(other, "g")]
        except KilledError:
            kinds = [one.kind async for report in async_verify(store) for one in report.problems]
            assert kinds == ["unfinished_erasure"]
        else:
            is_stopped = False
    assert commits > 4
    assert await async_holding(store) == []
    await async_check(store)


async def test_what_comes_back_is_erased_again(store):
    """As from a copy of before: a segment, or an event."""
    await async_marked(store)
    old = [await async_document_at(store, path) for path in (S.segment(4), S.event(14))]
    await store.erase_state("g", "s", reason="they asked")
    for document in old:
        await async_plant(store, document.path, **document.fields)
    kinds = {one.kind async for report in async_verify(store, "g") for one in report.problems}
    assert kinds == {"unfinished_erasure"}
    (report,) = [one async for one in async_recover(store, "g")]
    assert report.unresolved == []
    assert await async_holding(store) == []
    await async_check(store)


async def test_beside_writers_nothing_is_lost_or_comes_back(place):
    """Those that make the state again meanwhile seal its events, too; what they write stays."""
    store = place.store()
    await async_marked(store)
    kept = []

    async def async_write(writer):
        for number in range(10):
            made = await writer.log_transition("g", "s", "say", to_status="open", data={"n": number})
            kept.append(made.event)

    erase = partial(place.store().erase_state, "g", "s", reason="they asked")
    await async_gather([erase, *(partial(async_write, persisted(place.store())) for _ in range(3))])
    assert await async_holding(store) == []
    events = {one.version: one async for one in store.get_events("g", "s")}
    assert {one.version for one in kept} <= set(events)
    assert [one.hash for one in kept] == [events[one.version].hash for one in kept]
    await async_check(store)


class AsyncOvertakenBackend(AsyncWrappedBackend):
    """Lets somebody else go ahead of the first commit that carries a segment."""

    def __init__(self, inner, async_ahead):
        super().__init__(inner)
        self.async_ahead = async_ahead
        self.is_overtaken = False

    async def commit(self, writes, *, timeout):
        if not self.is_overtaken and any(write.path.collection == S.governor.segments for write in writes):
            self.is_overtaken = True
            await self.async_ahead()
        return await super().commit(writes, timeout=timeout)


async def test_what_was_read_to_be_sealed_before_an_erasure_is_not_sealed_behind_it(place):
    """Also where the change that was to carry it is refused by the erasure, and tried again."""
    store = place.store()
    await async_marked(store)

    async def async_erase():
        await place.store().erase_state("g", "s", reason="they asked")

    overtaken = AsyncOvertakenBackend(store.runtime.access.backend, async_erase)
    writer = persisted(AsyncBackendStore(overtaken, actor="tester"))
    for number in range(6):
        await writer.log_transition("g", "s", "say", to_status="open", data={"n": number})
    assert overtaken.is_overtaken
    assert await async_holding(store) == []
    sealed = (await async_document_at(store, S.state)).fields["sealed_through"]
    assert sealed >= 18  # what was put off is sealed by the changes that come next
    await async_check(store)


async def test_a_lost_state_is_erased(store):
    """By what its log tells."""
    await async_marked(store)
    await store.runtime.access.backend.commit([Delete(S.state)], timeout=TIMEOUT)
    await store.erase_state("g", "s", reason="they asked")
    assert await async_holding(store) == []
    await async_check(store)


async def test_values_without_their_salt_are_erased(store):
    """An event that was damaged is not taken for one that was erased."""
    await async_marked(store, changes=4)
    event = await async_document_at(store, S.event(6))
    fields = {name: value for name, value in event.fields.items() if name != "salt"}
    await store.runtime.access.backend.commit([Put(event.path, fields)], timeout=TIMEOUT)
    await store.erase_state("g", "s", reason="they asked")
    assert await async_holding(store) == []


async def test_an_erased_state_that_is_lost_is_recovered_with_its_mark(store):
    """So that what comes back is still found."""
    await async_marked(store, changes=3)
    await store.erase_state("g", "s", reason="they asked")
    before = (await async_document_at(store, S.state)).fields
    await store.runtime.access.backend.commit([Delete(S.state)], timeout=TIMEOUT)
    [one async for one in async_recover(store, "g")]
    assert (await async_document_at(store, S.state)).fields == before


async def test_a_live_key_does_not_repeat_what_was_erased(store):
    """Its receipt is gone with the rest."""
    persister = await async_marked(store, changes=3)
    await store.erase_state("g", "s", reason="they asked")
    assert await persister.result_of("g", "s", f"{MARK} 1") is None
    assert await async_find(store, S.receipt(f"{MARK} 1")) is None
