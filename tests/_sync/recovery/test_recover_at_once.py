# Generated from tests/_async/recovery/test_recover_at_once.py by .ci/generate_sync.py; do not edit.
"""Two that recover at once: each thing is repaired once, and has one record."""
from functools import partial
from typing import Any

import pytest

from tai_state import BackendStore, StateMachinePersister
from tai_state._platform.tasks import gather
from tests._sync.machines import COUNTER
from tests._sync.recovery.damages import CASES, CONFIG, S, live, sound_contents
from tests._sync.stores import TIMEOUT, WrappedBackend

MANY = [
    "unsealed events swapped",
    "events swapped",
    "snapshot altered",
    "segment truncated",
    "state altered",
    "dependents forgotten",
    "receipt of no change",
    "receipt altered in its change",
]


class FasterBackend(WrappedBackend):
    """Lets somebody else recover right before one of the reads of a single document beside the states."""

    def __init__(self, inner, persister, read):
        super().__init__(inner)
        self.persister = persister
        self.left = read

    def get_many(self, paths, *, timeout, consistent=True, at=None):
        if len(paths) == 1 and paths[0].collection in {S.governor.events, S.governor.snapshots, S.governor.segments}:
            self.left -= 1
            if not self.left:
                self.persister.recover("g")
        return super().get_many(paths, timeout=timeout, consistent=consistent, at=at)


@pytest.fixture
def sound(place):
    """A sound store, its persister, and what it holds."""
    store = place.store()
    persister = live(store)
    return store, persister, sound_contents(store)


def hurt(store):
    """Damage much of it."""
    for name in MANY:
        CASES[name].damage(store)


def records(store):
    """Return what each record is of."""
    scan = store.runtime.access.backend.scan(S.governor.audit, timeout=TIMEOUT)
    return sorted([(one.fields["kind"], one.fields["path"]) for one in scan])


@pytest.mark.parametrize("read", [1, 2, 5])
def test_what_another_one_repaired_meanwhile_is_not_repaired_again(sound, place, read):
    """It was found before that: there are the records of one recovery alone."""
    store, persister, contents = sound
    hurt(store)
    persister.recover("g")
    alone = records(store)
    hurt(store)
    backend = FasterBackend(place.store().runtime.access.backend, persister, read)
    report = StateMachinePersister(BackendStore(backend, actor="tester"), COUNTER, CONFIG).recover("g")
    assert report.unresolved == []
    assert records(store) == sorted([*alone, *alone])
    assert sound_contents(store) == contents


def test_two_that_recover_at_once_repair_each_thing_once(sound, place):
    """Whatever comes between: the second one's commits are refused, and find it done."""
    store, persister, contents = sound
    other = StateMachinePersister(place.store(), COUNTER, CONFIG)
    found: list[list[tuple[Any, ...]]] = []
    for recovering in ([persister], [persister, other]):
        hurt(store)
        gather([partial(one.recover, "g") for one in recovering])
        assert sound_contents(store) == contents
        assert (persister.validate_consistency("g")).problems == []
        found.append(records(store))
    alone, together = found
    assert len(alone) >= len(MANY)
    assert together == sorted([*alone, *alone])
