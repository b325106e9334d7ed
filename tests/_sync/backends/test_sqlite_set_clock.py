# Generated from tests/_async/backends/test_sqlite_set_clock.py by .ci/generate_sync.py; do not edit.
"""A store that a host with a wrong clock has lifted into the future comes back with a restore that sets its clock."""
from datetime import UTC, datetime, timedelta

import pytest

from tai_state import (
    SqliteStore,
    StateMachinePersister,
    Machine,
    SystemClock,
    Transition,
    examine,
    verify,
)
from tai_state._sync.feeds.subscription import Subscription
from tai_state.documents import DocumentPath, Put
from tai_state.due import Timeout
from tai_state.testing import ManualClock
from tests._sync.feeds.watched import ONE_BY_ONE, Seen
from tests._sync.stores import TIMEOUT

AHEAD = datetime(2099, 1, 1, tzinfo=UTC)
BOOT = Machine(
    "boot",
    "booting",
    [Transition("run", "booting", "on"), Transition("fail", "booting", "dead")],
    timeouts={"booting": Timeout(timedelta(seconds=30), "fail")},
)


@pytest.fixture
def lifted(tmp_path):
    """The path of a store whose clock stands in 2099, and what a subscription was told there: all but the last two."""
    path, seen = tmp_path / "store.db", Seen()
    with SqliteStore(path, actor="tester") as store:
        store.save_state("g", "right", {"n": 1})
    with SqliteStore(path, actor="tester", clock=ManualClock(AHEAD)) as store:
        for number in range(3):
            store.save_state("g", "wrong", {"n": number}, idempotency_key=f"k{number}")
        StateMachinePersister(store, BOOT).start("g", "boots")
        StateMachinePersister(store, BOOT).schedule("g", "boots", "fail", at=AHEAD + timedelta(days=1))
        Subscription(store, "mail", seen, config=ONE_BY_ONE).run_once()
        StateMachinePersister(store, BOOT).start("g", "late")
        store.save_state("g", "right", {"n": 2})
    assert seen.versions == [("right", 1), ("wrong", 1), ("wrong", 2), ("wrong", 3), ("boots", 1), ("boots", 2)]
    return path


def time(store):
    """Return the store's time."""
    access = store.runtime.access
    return access.server_time(access.begin(None))


def clock_line(store):
    """Return what the doctor says of the clock."""
    (line,) = [line for line in examine(store) if line.check == "clock"]
    return line


def test_a_restore_sets_the_clock_of_a_store_that_stands_in_the_future(lifted, tmp_path):
    """What was committed keeps its order, behind what was right; nothing is lost, and all that comes is on time."""
    target = tmp_path / "mended.db"
    with SqliteStore(lifted, actor="tester") as store:
        assert time(store) > AHEAD
        line = clock_line(store)
        assert (line.status, "restore FILE --set-clock" in line.mend) == ("problem", True)
        store.backup(tmp_path / "copy.db")
        before = [one for one in store.list_states("g")]
    SqliteStore.restore(tmp_path / "copy.db", target, set_clock=True, actor="tester")
    with SqliteStore(target, actor="tester") as store:
        now = SystemClock().now()
        assert abs(time(store) - now) < timedelta(minutes=1)
        assert (clock_line(store)).status == "ok"
        assert [report.is_consistent for report in verify(store)] == [True, True]
        assert [(one.state_id, one.version, one.data) for one in store.list_states("g")] == [
            (one.state_id, one.version, one.data) for one in before
        ]
        times = [event.committed_at or AHEAD for event in store.get_events("g", "wrong")]
        assert times == sorted(set(times))
        assert times[-1] <= now
        assert store.save_state("g", "wrong", {"n": 2}, idempotency_key="k2") == 3
        assert store.save_state("g", "wrong", {"n": 3}) == 4


def test_what_is_due_is_due_again_and_what_was_set_for_a_time_stays(lifted, tmp_path):
    """A timeout counts from the restore on."""
    target = tmp_path / "mended.db"
    SqliteStore.restore(lifted, target, set_clock=True, actor="tester")
    with SqliteStore(target, actor="tester") as store:
        (late, _), (boots, _) = store.get_state("g", "late"), store.get_state("g", "boots")
        assert late.due_at is not None
        assert timedelta(0) < late.due_at - SystemClock().now() < timedelta(seconds=31), late.due_at
        assert boots.due_at == AHEAD + timedelta(days=1)


def test_a_subscription_goes_on_where_it_was(lifted, tmp_path):
    """It is told what it was not, and nothing twice."""
    target, seen = tmp_path / "mended.db", Seen()
    SqliteStore.restore(lifted, target, set_clock=True, actor="tester")
    with SqliteStore(target, actor="tester") as store:
        store.save_state("g", "new", {})
        assert Subscription(store, "mail", seen).run_once() == 3
        assert sorted(seen.versions) == [("late", 1), ("new", 1), ("right", 2)]


@pytest.mark.parametrize("set_clock", [False, True])
@pytest.mark.parametrize("path", ["governors/a b/states/x", "governors/g/states/a b"])
def test_what_somebody_else_wrote_keeps_no_store_from_being_restored(lifted, tmp_path, path, set_clock):
    """It is in the copy as it was, and the check tells of it."""
    collection, _, document_id = path.rpartition("/")
    with SqliteStore(lifted, actor="tester") as store:
        put = Put(DocumentPath(collection, document_id), {"due_at": AHEAD})
        store.runtime.access.backend.commit([put], timeout=TIMEOUT)
    SqliteStore.restore(lifted, tmp_path / "mended.db", set_clock=set_clock, actor="tester")
    with SqliteStore(tmp_path / "mended.db", actor="tester") as store:
        found = [one.kind for report in verify(store) for one in report.problems]
        assert "foreign_document" in found, found
        assert store.save_state("g", "right", {"n": 3}) == 3


def test_a_store_that_is_on_time_is_left_as_it_is(tmp_path):
    """There is nothing to bring back."""
    with SqliteStore(tmp_path / "store.db", actor="tester") as store:
        store.save_state("g", "s", {})
        events = [event for event in store.get_events("g", "s")]
    SqliteStore.restore(tmp_path / "store.db", tmp_path / "other.db", set_clock=True, actor="tester")
    with SqliteStore(tmp_path / "other.db", actor="tester") as store:
        assert [event for event in store.get_events("g", "s")] == events
