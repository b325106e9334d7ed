"""What a check and a recovery read: no more for each thing that is wrong than that thing."""

import pytest

from tai_state import AsyncBackendStore, AsyncStateMachinePersister, TransitionRequest, async_recover, async_verify
from tai_state._async.recovery import receipts
from tai_state.documents import Delete
from tai_state.layout import GovernorLayout, state_layout
from tests._async.machines import COUNTER
from tests._async.recovery.damages import S, T, async_write
from tests._async.stores import AsyncWrappedBackend, async_plant, in_memory

GOVERNOR = GovernorLayout("g")


class AsyncScannedBackend(AsyncWrappedBackend):
    """Notes the collections that are scanned."""

    def __init__(self, inner):
        super().__init__(inner)
        self.scanned = []

    def scan(self, collection, **options):
        self.scanned.append(collection)
        return super().scan(collection, **options)

    def taken(self, collection):
        """Return how often *collection* was scanned since the last time this was asked."""
        count, self.scanned = self.scanned.count(collection), []
        return count


def scanned(store):
    """Return one more store there, and what notes its scans."""
    backend = AsyncScannedBackend(store.runtime.access.backend)
    return AsyncBackendStore(backend, actor="tester"), backend


async def async_odd_receipts(store, paths, count):
    """Let so many receipts of a state name another change than their key made."""
    persister = AsyncStateMachinePersister(store, COUNTER)
    await persister.start("g", paths.state_id, {"n": 0})
    for number in range(count):
        await persister.transition("g", paths.state_id, "add", 1, idempotency_key=f"k{number}")
    for number in range(count):
        await async_plant(store, paths.receipt(f"k{number}"), transition_id="made up")


async def async_kinds(reports):
    """Return (kind, state) of all that is found."""
    return sorted([(one.kind, one.state_id) async for report in reports for one in report.problems])


async def test_a_check_walks_over_a_state_once_for_all_its_odd_receipts(store):
    """However many they are."""
    watched, backend = scanned(store)
    await async_odd_receipts(store, S, 1)
    assert await async_kinds(async_verify(watched, "g")) == [("corrupt_receipt", "s")]
    one = backend.taken(GOVERNOR.events)
    for number in range(1, 6):
        await async_odd_receipt(store, number)
    assert await async_kinds(async_verify(watched, "g")) == [("corrupt_receipt", "s")] * 6
    assert backend.taken(GOVERNOR.events) == one


async def async_odd_receipt(store, number):
    """Make one more change of s, and a receipt that does not name it."""
    persister = AsyncStateMachinePersister(store, COUNTER)
    await persister.transition("g", "s", "add", 1, idempotency_key=f"k{number}")
    await async_plant(store, S.receipt(f"k{number}"), transition_id="made up")


async def test_odd_receipts_of_several_states_are_each_held_against_their_own_log(store):
    """Told with what their keys made, and mended."""
    for paths in (S, T):
        await async_odd_receipts(store, paths, 3)
    await async_plant(store, T.receipt("k1"), version=99)
    odd = [("corrupt_receipt", state_id) for state_id in "sssttt"]
    assert await async_kinds(async_verify(store, "g")) == odd
    (report,) = [report async for report in async_recover(store, "g")]
    assert (len(report.repaired), report.unresolved) == (6, [])
    assert await async_kinds(async_verify(store, "g")) == []


@in_memory
async def test_more_odd_receipts_than_are_held_at_a_time_are_told_all(store, monkeypatch):
    """What is held is walked for, and the check goes on behind it."""
    monkeypatch.setattr(receipts, "_ODD_MAX", 2)
    monkeypatch.setattr(receipts, "_BATCH", 2)
    await async_odd_receipts(store, S, 5)
    assert await async_kinds(async_verify(store, "g")) == [("corrupt_receipt", "s")] * 5


async def async_lost(place, count):
    """Return a fresh store on a governor of its own where so many states have lost their documents."""
    store = place.store()
    persister = AsyncStateMachinePersister(store, COUNTER)
    for number in range(count):
        await persister.start(f"g{count}", f"s{number}", {"n": 0}, idempotency_key="k")
    await async_write(store, *(Delete(state_layout(f"g{count}", f"s{number}").state) for number in range(count)))
    return store


@pytest.mark.parametrize("dry_run", [True, False], ids=["dry run", "recovery"])
async def test_a_recovery_reads_states_and_receipts_no_oftener_for_many_lost_states(place, dry_run):
    """What other documents tell of a state is read once for all states of a governor."""
    scans: list[list[int]] = []
    for count in (1, 6):
        watched, backend = scanned(await async_lost(place, count))
        governor = GovernorLayout(f"g{count}")
        (report,) = [report async for report in async_recover(watched, f"g{count}", dry_run=dry_run)]
        assert ([one.kind for one in report.repaired], report.unresolved) == (["state_missing"] * count, [])
        scans.append([backend.scanned.count(collection) for collection in (governor.states, governor.receipts)])
    assert scans[1] == scans[0]


@in_memory
async def test_many_receipts_are_read_in_few_pages(store):
    """An engine may go through all of them for each page: a check and ``gc`` ask twice for more than a thousand."""
    persister = AsyncStateMachinePersister(store, COUNTER)
    await persister.start("g", "s", {"n": 0})
    await persister.transition_many(
        [TransitionRequest("g", "s", "add", 1, idempotency_key=f"k{number}") for number in range(1_100)]
    )
    watched, backend = scanned(store)
    assert await async_kinds(async_verify(watched, "g")) == []
    assert backend.taken(GOVERNOR.receipts) == 2
    await AsyncStateMachinePersister(watched, COUNTER).gc("g")
    assert backend.taken(GOVERNOR.receipts) == 2
