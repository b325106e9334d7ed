# Generated from tests/_async/replicas/syncing.py by .ci/generate_sync.py; do not edit.
"""What the tests of replicas share: a sync, and what must hold behind it."""
from tai_state import verify
from tai_state.causality import LastWriteWins
from tai_state.layout import state_layout
from tai_state.replicas import sync
from tai_state.rules.replicas.standing import are_equal
from tests._sync.stores import WrappedBackend

LATER = LastWriteWins()


def synced(ours, theirs, resolver=LATER, governor="g"):
    """Sync two stores, hold them against each other, and return what the sync says."""
    report = sync(ours, theirs, governor, resolver=resolver)
    for store in (ours, theirs):
        for found in verify(store):
            assert found.is_consistent, found.problems
    return report


def say_the_same(ours, theirs, state="s", governor="g"):
    """Whether both know the same of a state, and say the same."""
    records = [store.runtime.record(state_layout(governor, state), None) for store in (ours, theirs)]
    return are_equal(*records)


def events(store, state="s", **options):
    """Return the events of a state."""
    return [event for event in store.get_events("g", state, **options)]


def data(store, state="s"):
    """Return the data of a state; None where it is not there."""
    found = store.find_state("g", state)
    return None if found is None else found.data


def counts(report):
    """Return what a sync has sent, received and merged."""
    return report.sent, report.received, report.merged


def behind(local, remote):
    """Let a copy be of what the remote store said before its last change."""
    remote.save_state("g", "s", {"n": 1})
    synced(local, remote)
    remote.save_state("g", "s", {"n": 2})


def diverged(ours, theirs):
    """Let both make a state without knowing of each other, in several versions, and one of their own."""
    for store, count in ((ours, 3), (theirs, 4)):
        for number in range(count):
            store.save_state("g", "s", {"n": number, store.actor: number})
        store.save_state("g", store.actor, {})


class KilledError(BaseException):
    """Stands for the end of the process: nothing catches it."""


class DyingBackend(WrappedBackend):
    """Takes so many commits, and then none."""

    left = 0

    def commit(self, writes, *, timeout):
        if not self.left:
            raise KilledError
        self.left -= 1
        return super().commit(writes, timeout=timeout)


def shown(read):
    """Return the state that was read, which is there."""
    assert read.snapshot is not None
    return read.snapshot


def seconds(read):
    """Return how old it is, to the millisecond: by a clock that stands still commits are microseconds apart."""
    assert read.age is not None
    return round(read.age.total_seconds(), 3)
