# Generated from tests/_async/recovery/test_recover_cost.py by .ci/generate_sync.py; do not edit.
"""What a check and a recovery read: no more for each thing that is wrong than that thing."""
import pytest

from tai_state import BackendStore, StateMachinePersister, TransitionRequest, recover, verify
from tai_state._sync.recovery import receipts
from tai_state.documents import Delete
from tai_state.layout import GovernorLayout, state_layout
from tests._sync.machines import COUNTER
from tests._sync.recovery.damages import S, T, write
from tests._sync.stores import WrappedBackend, plant, in_memory

GOVERNOR = GovernorLayout("g")


class ScannedBackend(WrappedBackend):
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
    backend = ScannedBackend(store.runtime.access.backend)
    return BackendStore(backend, actor="tester"), backend


def odd_receipts(store, paths, count):
    """Let so many receipts of a state name another change than their key made."""
    persister = StateMachinePersister(store, COUNTER)
    persister.start("g", paths.state_id, {"n": 0})
    for number in range(count):
        persister.transition("g", paths.state_id, "add", 1, idempotency_key=f"k{number}")
    for number in range(count):
        plant(store, paths.receipt(f"k{number}"), transition_id="made up")


def kinds(reports):
    """Return (kind, state) of all that is found."""
    return sorted([(one.kind, one.state_id) for report in reports for one in report.problems])


def test_a_check_walks_over_a_state_once_for_all_its_odd_receipts(store):
    """However many they are."""
    watched, backend = scanned(store)
    odd_receipts(store, S, 1)
    assert kinds(verify(watched, "g")) == [("corrupt_receipt", "s")]
    one = backend.taken(GOVERNOR.events)
    for number in range(1, 6):
        odd_receipt(store, number)
    assert kinds(verify(watched, "g")) == [("corrupt_receipt", "s")] * 6
    assert backend.taken(GOVERNOR.events) == one


def odd_receipt(store, number):
    """Make one more change of s, and a receipt that does not name it."""
    persister = StateMachinePersister(store, COUNTER)
    persister.transition("g", "s", "add", 1, idempotency_key=f"k{number}")
    plant(store, S.receipt(f"k{number}"), transition_id="made up")


def test_odd_receipts_of_several_states_are_each_held_against_their_own_log(store):
    """Told with what their keys made, and mended."""
    for paths in (S, T):
        odd_receipts(store, paths, 3)
    plant(store, T.receipt("k1"), version=99)
    odd = [("corrupt_receipt", state_id) for state_id in "sssttt"]
    assert kinds(verify(store, "g")) == odd
    (report,) = [report for report in recover(store, "g")]
    assert (len(report.repaired), report.unresolved) == (6, [])
    assert kinds(verify(store, "g")) == []


@in_memory
def test_more_odd_receipts_than_are_held_at_a_time_are_told_all(store, monkeypatch):
    """What is held is walked for, and the check goes on behind it."""
    monkeypatch.setattr(receipts, "_ODD_MAX", 2)
    monkeypatch.setattr(receipts, "_BATCH", 2)
    odd_receipts(store, S, 5)
    assert kinds(verify(store, "g")) == [("corrupt_receipt", "s")] * 5


def lost(place, count):
    """Return a fresh store on a governor of its own where so many states have lost their documents."""
    store = place.store()
    persister = StateMachinePersister(store, COUNTER)
    for number in range(count):
        persister.start(f"g{count}", f"s{number}", {"n": 0}, idempotency_key="k")
    write(store, *(Delete(state_layout(f"g{count}", f"s{number}").state) for number in range(count)))
    return store


@pytest.mark.parametrize("dry_run", [True, False], ids=["dry run", "recovery"])
def test_a_recovery_reads_states_and_receipts_no_oftener_for_many_lost_states(place, dry_run):
    """What other documents tell of a state is read once for all states of a governor."""
    scans: list[list[int]] = []
    for count in (1, 6):
        watched, backend = scanned(lost(place, count))
        governor = GovernorLayout(f"g{count}")
        (report,) = [report for report in recover(watched, f"g{count}", dry_run=dry_run)]
        assert ([one.kind for one in report.repaired], report.unresolved) == (["state_missing"] * count, [])
        scans.append([backend.scanned.count(collection) for collection in (governor.states, governor.receipts)])
    assert scans[1] == scans[0]


@in_memory
def test_many_receipts_are_read_in_few_pages(store):
    """An engine may go through all of them for each page: a check and ``gc`` ask twice for more than a thousand."""
    persister = StateMachinePersister(store, COUNTER)
    persister.start("g", "s", {"n": 0})
    persister.transition_many(
        [TransitionRequest("g", "s", "add", 1, idempotency_key=f"k{number}") for number in range(1_100)]
    )
    watched, backend = scanned(store)
    assert kinds(verify(watched, "g")) == []
    assert backend.taken(GOVERNOR.receipts) == 2
    StateMachinePersister(watched, COUNTER).gc("g")
    assert backend.taken(GOVERNOR.receipts) == 2
