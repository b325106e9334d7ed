# Generated from tests/_async/keys/test_keys_together.py by .ci/generate_sync.py; do not edit.
"""Many callers of one key: nothing is lost, each is told his own result, and few commits carry them all."""
from functools import partial
from typing import Any

import pytest

from tai_state import BackendStore
from tai_state._platform.tasks import sleep, together
from tai_state.keys import Keys
from tai_state.layout import state_layout
from tests._sync.stores import WrappedBackend, in_memory


def both(place):
    """Return one group of keys in two stores, as two processes would have it."""
    return Keys(place.store(), "g"), Keys(place.store(), "g")


def test_a_hundred_increments_are_a_hundred(place, scale):
    """Each caller is told another number."""
    most = scale(40, 100)
    one, other = both(place)
    calls = [partial(keys.increment, "n", timeout=90) for keys in (one, other) for _ in range(most // 2)]
    told = together(calls)
    assert sorted(told) == list(range(1, most + 1))
    assert one.get("n") == most


def test_pushes_are_kept_in_the_order_of_their_versions(place, scale):
    """Each once, and each caller sees a list that ends with his own."""
    most = scale(20, 50)
    one, other = both(place)
    calls = [(keys, f"{name}-{number}") for number in range(most // 2) for name, keys in (("a", one), ("b", other))]
    told = together([partial(keys.push, "l", item, timeout=90) for keys, item in calls])
    kept = one.get("l")
    assert [event.payload["items"] for event in one.history("l")] == [[item] for item in kept]
    assert sorted(kept) == sorted(item for _, item in calls)
    assert [made[-1] for made in told] == [item for _, item in calls]


def test_exactly_one_of_many_swaps_wins(place, scale):
    """All expect the same."""
    most = scale(20, 100)
    one, other = both(place)
    one.set("n", "free")
    calls = [
        partial(keys.compare_and_swap, "n", "free", number, timeout=90)
        for number in range(most // 2)
        for keys in (one, other)
    ]
    told = together(calls)
    assert sorted(told) == [False] * (most - 1) + [True]
    assert len([event for event in one.history("n")]) == 2


class HeldBackend(WrappedBackend):
    """Holds the next commit until *expected* callers stand in the line of *path*, and counts what each writes."""

    def __init__(self, inner):
        super().__init__(inner)
        self.sizes = []
        self.expected = 0
        self.lines: Any = None
        self.path: Any = None

    def commit(self, writes, *, timeout):
        while self.expected and len(self.lines._lines.get(self.path, ())) < self.expected:
            sleep(0.001)
        self.expected = 0
        self.sizes.append(sum(write.path.collection.endswith("/events") for write in writes))
        return super().commit(writes, timeout=timeout)


@in_memory
def test_two_hundred_increments_of_one_process_are_a_few_commits(place):
    """And each caller is told another number."""
    backend = HeldBackend(place.store().runtime.access.backend)
    store = BackendStore(backend, actor="tester")
    keys = Keys(store, "g")
    keys.set("n", 0)
    backend.sizes.clear()
    backend.lines, backend.path = store.runtime.writer.lines, state_layout(keys.governor_id, "n").state
    backend.expected = 200
    told = together([partial(keys.increment, "n")] * 200)
    assert sorted(told) == list(range(1, 201))
    assert sum(backend.sizes) == 200
    assert len(backend.sizes) <= 5


@pytest.mark.parametrize("warm", [True, False], ids=["known", "not known"])
def test_what_a_change_costs(place, warm):
    """One commit of two documents, where this process knows the key; one read before it, where it does not."""
    store, backend = place.counting()
    keys = Keys(store, "g")
    keys.set("n", 1)
    keys.set("m", 1)
    if not warm:
        store, backend = place.counting()
        keys = Keys(store, "g")
        keys.get("other")
    backend.taken()
    backend.commits.clear()
    keys.set("n", 2)
    assert backend.taken() == ([] if warm else ["get_many"]) + ["commit"]
    assert [len(writes) for writes in backend.commits] == [2]
    keys.update("n", lambda value: value + 1)
    keys.push("l", 1)
    assert backend.taken() == ["commit", "get_many", "commit"]
