# Generated from tests/_async/api/test_store_follow.py by .ci/generate_sync.py; do not edit.
"""Following a state: every change of it, once and in order, as they come."""
import pytest

from tai_state import BackendStore, StoreClosedError, StoreUnavailableError
from tai_state._sync.history import following
from tai_state._platform.iterators import ending
from tai_state._platform.tasks import together
from tai_state.documents import Capability
from tests._sync.stores import TIMEOUT, WrappedBackend


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Where nobody wakes, it is looked more often than people need."""
    monkeypatch.setattr(following, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(following, "WATCH_SECONDS", 0.5)


def followed(store, count, **options):
    """Return the versions of the next *count* events."""
    versions = []
    with ending(store.follow("g", "s", **options)) as events:
        for event in events:
            versions.append(event.version)
            if len(versions) == count:
                break
    return versions


def write(store, count):
    for n in range(count):
        store.save_state("g", "s", {"n": n})


def test_what_was_and_what_comes_is_given_once(place, scale):
    """However fast the changes come, no version is missed or doubled."""
    count = scale(12, 300)
    store, writer = place.store(), place.store()
    write(writer, 3)
    versions, _ = together([lambda: followed(store, count + 3), lambda: write(writer, count)])
    assert versions == list(range(1, count + 4))


def test_it_begins_behind_a_version(place):
    """Also behind one that is still to come."""
    store = place.store()
    write(store, 4)
    assert followed(store, 2, after=2) == [3, 4]
    versions, _ = together(
        [lambda: followed(store, 1, after=5), lambda: write(place.store(), 2)]
    )
    assert versions == [6]


def test_who_takes_them_slowly_misses_none(store):
    """What happens between two of them is given, too."""
    write(store, 1)
    with ending(store.follow("g", "s")) as events:
        assert (next(events)).version == 1
        write(store, 4)
        assert [(next(events)).version for _ in range(4)] == [2, 3, 4, 5]


def test_a_state_that_never_was_is_waited_for(place):
    """Its first change is given."""
    store, writer = place.store(), place.store()
    versions, _ = together([lambda: followed(store, 1), lambda: write(writer, 1)])
    assert versions == [1]


class UnwatchedBackend(WrappedBackend):
    """A backend whose watch fails, or that has none."""

    def __init__(self, backend, *, is_declared):
        """Take another one's place."""
        super().__init__(backend)
        if not is_declared:
            self.capabilities = backend.capabilities - {Capability.WATCH}

    def watch(self, path, *, timeout):
        """Fail behind the first wake-up."""
        assert Capability.WATCH in self.capabilities
        yield
        raise StoreUnavailableError


@pytest.mark.parametrize("is_declared", [False, True])
def test_without_a_watch_it_is_looked_now_and_then(place, is_declared):
    """Where the backend has none, and where the one that it has fails."""
    backend = UnwatchedBackend(place.store().runtime.access.backend, is_declared=is_declared)
    store, writer = BackendStore(backend), place.store()
    versions, _ = together([lambda: followed(store, 5), lambda: write(writer, 5)])
    assert versions == [1, 2, 3, 4, 5]


def test_a_drain_is_not_held_up_and_ends_it(store):
    """Who waits is no call under way; he is told at the next look."""
    write(store, 1)
    with ending(store.follow("g", "s")) as events:
        assert (next(events)).version == 1
        assert store.drain(timeout=TIMEOUT)
        with pytest.raises(StoreClosedError):
            next(events)
