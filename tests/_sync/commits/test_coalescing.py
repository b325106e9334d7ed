# Generated from tests/_async/commits/test_coalescing.py by .ci/generate_sync.py; do not edit.
"""Callers of one process that wait to change one state: one commit, and each its own result."""
import logging
from functools import partial
from itertools import accumulate
from typing import Any

import pytest

from tai_state import (
    BackendStore,
    LockManager,
    StateMachinePersister,
    Machine,
    OutcomeUnknownError,
    PersistenceConfig,
    TaiStateError,
    Transition,
    TransitionNotAllowedError,
    VersionConflictError,
)
from tai_state._platform.tasks import sleep, together
from tai_state.errors import CommitAmbiguousError, StoreUnavailableError
from tai_state.layout import state_layout
from tai_state.testing import ManualClock
from tests._sync.machines import COUNTER
from tests._sync.stores import NO_WAIT, WrappedBackend, document_at

PATHS = state_layout("g", "s")
CALLERS = 8


class TroubleError(Exception):
    """What neither this package nor an engine of its raises."""


def meet_trouble(*_):
    raise TroubleError


class HeldBackend(WrappedBackend):
    """The first commit waits until *expected* callers stand in line; each meets the next of *faults*."""

    def __init__(self, inner, faults=()):
        super().__init__(inner)
        self.sizes = []
        self.faults = list(faults)
        self.expected = 0
        self.writer: Any = None
        self.before: Any = None
        self.blind = ""
        """From the second commit on, who has a second or less gets no answer; that commit is "applied", or "lost"."""
        self.seconds = 0.0
        """How long the second commit takes."""
        self.order = []
        self.runs_read = 0
        self.after: Any = None
        """What is called once the first commit of several changes is applied."""

    def is_blind(self, timeout):
        return self.blind and len(self.sizes) >= 2 and timeout <= 1.0

    def get_many(self, paths, *, timeout, consistent=True, at=None):
        if self.is_blind(timeout):
            raise StoreUnavailableError
        self.runs_read += len([path for path in paths if path.collection.endswith("/events")]) > 1
        return super().get_many(paths, timeout=timeout, consistent=consistent, at=at)

    def commit(self, writes, *, timeout):
        events = [write for write in writes if write.path.collection.endswith("/events")]
        while self.expected and len(self.writer.lines._lines.get(PATHS.state, ())) < self.expected:
            sleep(0.001)
        if self.expected:
            line = self.writer.lines._lines[PATHS.state]
            self.order = [place.wish and place.wish[0].payload.value() for place in line]
        self.expected = 0
        self.sizes.append(len(events))
        fault = self.faults.pop(0) if self.faults else "fine"
        if self.is_blind(timeout):
            is_first = len(self.sizes) == 2
            fault = "reply lost" if is_first and self.blind == "applied" else "request lost"
        if len(self.sizes) == 2:
            sleep(self.seconds)
        if fault == "after another" and self.before is not None:
            before, self.before = self.before, None
            before()
        if fault == "request lost":
            raise CommitAmbiguousError(fault)
        result = super().commit(writes, timeout=timeout)
        if len(events) > 1 and self.after is not None:
            after, self.after = self.after, None
            after()
        if fault == "reply lost":
            raise CommitAmbiguousError(fault)
        return result


def held(place, *faults, config=None, machine=COUNTER, **options):
    """Return a persister whose state is started, and its backend, which holds the next commit."""
    store = place.store()
    backend = HeldBackend(store.runtime.access.backend, faults=["fine", *faults])
    held = BackendStore(backend, actor="tester", retry=NO_WAIT, **options)
    backend.writer = held.runtime.writer
    persister = StateMachinePersister(held, machine, config or PersistenceConfig())
    persister.start("g", "s", {"n": 0})
    backend.sizes.clear()
    return persister, backend


def outcome(call):
    """Return what *call* returns, or its error; wrapped, since who makes calls together raises an error of theirs."""
    try:
        return [call()]
    except (TaiStateError, TroubleError) as error:
        return [error]


def at_once(backend, calls):
    """Make *calls* at once, so that the first commit finds all the others in line; return their outcomes in order."""
    backend.expected = len(calls)
    return [outcome for (outcome,) in together([partial(outcome, call) for call in calls])]


def adds(persister, count=CALLERS, **options):
    return [partial(persister.transition, "g", "s", "add", 10**number, **options) for number in range(count)]


def check(persister, outcomes):
    """Each outcome is a change of its own, in the log as it was told, and the state is the last one."""
    events = {event.version: event for event in persister.history("g", "s")}
    for result in outcomes:
        assert events[result.version] == result.event
        assert result.snapshot.data == result.event.to_state
    assert len({result.version for result in outcomes}) == len(outcomes)
    assert (persister.validate_consistency("g")).problems == []


def test_who_waits_goes_with_the_next_commit(place):
    """Two commits at most: that of who came before anybody waited, and that of all the others."""
    persister, backend = held(place)
    outcomes = at_once(backend, adds(persister))
    assert (len(backend.sizes) <= 2, sum(backend.sizes)) == (True, CALLERS)
    check(persister, outcomes)
    snapshot, version = persister.store.get_state("g", "s")
    assert (snapshot.data, version) == ({"n": 11_111_111}, CALLERS + 1)
    assert {result.event.payload for result in outcomes} == {10**number for number in range(CALLERS)}
    persister.transition("g", "s", "add")
    assert backend.sizes[-1] == 1


def test_who_is_refused_fails_alone(place):
    """The others are as if it had not come, also those who stand behind it: no commit ends with it."""
    persister, backend = held(place)
    calls = adds(persister)
    for place_in_line in (6, 3):
        calls.insert(place_in_line, partial(persister.transition, "g", "s", "reopen"))
    outcomes = at_once(backend, calls)
    assert all(isinstance(outcomes.pop(place_in_line), TransitionNotAllowedError) for place_in_line in (7, 3))
    check(persister, outcomes)
    assert (len(backend.sizes) <= 2, sum(backend.sizes)) == (True, CALLERS)


def test_a_refusal_upon_what_is_not_stored_yet_is_decided_again(place):
    """Behind the move that allows it or forbids it, each as it stands in the store then."""
    persister, backend = held(place)
    calls = [*adds(persister, 2), partial(persister.transition, "g", "s", "shut"), *adds(persister, 2)]
    outcomes = at_once(backend, calls)
    shut = next(one for one in outcomes if not isinstance(one, TaiStateError) and one.to_status == "shut")
    for one in outcomes:
        assert isinstance(one, TransitionNotAllowedError) or one.version <= shut.version
    check(persister, [one for one in outcomes if not isinstance(one, TaiStateError)])


def test_an_expected_version_is_that_of_the_change_before(place):
    """What one of them makes, the next may expect; another one is told what there is."""
    persister, backend = held(place)
    calls = [
        *adds(persister, 1),
        *[partial(persister.transition, "g", "s", "add", expected_version=version) for version in range(1, 7)],
    ]
    outcomes = at_once(backend, calls)
    made = [one for one in outcomes if not isinstance(one, TaiStateError)]
    refused = [one for one in outcomes if isinstance(one, TaiStateError)]
    assert all(isinstance(one, VersionConflictError) for one in refused)
    assert made
    check(persister, made)


def test_one_key_makes_one_change(place):
    """Two callers of one key: one makes it, the other one is told of it."""
    persister, backend = held(place)
    again = partial(persister.transition, "g", "s", "add", 5, idempotency_key="k")
    outcomes = at_once(backend, [*adds(persister, 2), again, again, *adds(persister, 2)])
    keyed = [one for one in outcomes if one.event.idempotency_key == "k"]
    assert sorted(one.replayed for one in keyed) == [False, True]
    assert len({one.version for one in keyed}) == 1
    check(persister, [one for one in outcomes if not one.replayed])


def test_a_key_that_was_used_before_spoils_nobody_elses_change(place):
    """It is told what it made then; the others are made."""
    persister, backend = held(place)
    before = persister.transition("g", "s", "add", 5, idempotency_key="k")
    calls = adds(persister)
    calls.insert(3, partial(persister.transition, "g", "s", "add", 5, idempotency_key="k"))
    outcomes = at_once(backend, calls)
    replayed = outcomes.pop(3)
    assert (replayed.replayed, replayed.version) == (True, before.version)
    check(persister, outcomes)
    assert (persister.store.get_state("g", "s"))[0].data == {"n": 11_111_116}


def test_another_writer_meanwhile_costs_nobody_his_change(place):
    """The commit of all is refused; each is made upon what the other one left."""
    other = StateMachinePersister(place.store(), COUNTER)
    persister, backend = held(place, "after another", "after another")
    backend.before = partial(other.transition, "g", "s", "add", 10**9)
    outcomes = at_once(backend, adds(persister))
    check(persister, outcomes)
    assert (persister.store.get_state("g", "s"))[0].data == {"n": 10**9 + 11_111_111}


@pytest.mark.parametrize("fault", ["reply lost", "request lost"])
def test_a_lost_reply_makes_each_change_once(place, fault):
    """The identical request is sent again, and settled by the event of the first."""
    persister, backend = held(place, fault, fault)
    outcomes = at_once(backend, adds(persister))
    # The first one's, three times, and that of those who came too late for it.
    assert len(backend.sizes) <= 4
    check(persister, outcomes)
    assert (persister.store.get_state("g", "s"))[0].data == {"n": 11_111_111}


@pytest.mark.parametrize("is_applied", [True, False])
def test_who_has_more_time_goes_on_where_the_first_one_has_none(place, is_applied):
    """The first one is told that nobody knows; the others find out, and each change is made once."""
    persister, backend = held(place)
    backend.blind = "applied" if is_applied else "lost"
    hasty = partial(persister.transition, "g", "s", "add", 1, timeout=1.0)
    outcomes = at_once(backend, [*adds(persister, 1), hasty, *adds(persister, 4)[1:]])
    unknown = [one for one in outcomes if isinstance(one, OutcomeUnknownError)]
    made = [one for one in outcomes if not isinstance(one, TaiStateError)]
    assert len(made) + len(unknown) == 5
    check(persister, made)
    versions = {event.version for event in persister.history("g", "s")}
    # Whoever was told that it is unknown may look: it is there, or not, with the others of its commit.
    assert {one.version for one in made} <= versions
    if unknown:
        assert len(versions) == 6


def test_whose_time_is_over_while_it_is_carried_hears_what_became_of_it(place):
    """Not that nothing was written: who carries it has begun."""
    persister, backend = held(place)
    backend.seconds = 0.6
    hasty = partial(persister.transition, "g", "s", "add", 5, timeout=0.4)
    outcomes = at_once(backend, [*adds(persister, 3), hasty, *adds(persister, 3)])
    made = [one for one in outcomes if not isinstance(one, TaiStateError)]
    check(persister, made)
    assert (persister.store.get_state("g", "s"))[1] == len(made) + 1


def test_what_has_to_go_alone_goes_alone(place):
    """A change with a lock: behind all who stood before it in line, and before all who stood behind it."""
    persister, backend = held(place)
    lock = LockManager(persister.store).acquire("l", heartbeat=False)
    calls = [partial(persister.transition, "g", "s", "add", number) for number in range(1, 8)]
    calls[3] = partial(calls[3], lock=lock)
    outcomes = at_once(backend, calls)
    check(persister, outcomes)
    guarded = outcomes[3]
    assert guarded.event.fencing_token == lock.fencing_token
    position = backend.order.index(None)
    versions = {one.event.payload: one.version for one in outcomes}
    assert all(versions[one] < guarded.version for one in backend.order[:position])
    assert all(versions[one] > guarded.version for one in backend.order[position + 1 :])
    lock.release()


def test_a_snapshot_ends_a_commit(place):
    """It is of the version that the commit leaves behind, and none is passed over."""
    persister, backend = held(place, config=PersistenceConfig(snapshot_interval=3, segment_events=4))
    outcomes = at_once(backend, adds(persister))
    check(persister, outcomes)
    kept = [snapshot.version for snapshot in persister.list_snapshots("g", "s")]
    assert kept == [3, 6, 9]
    ends = list(accumulate(backend.sizes, initial=1))
    assert {3, 6, 9} <= set(ends)
    assert len(backend.sizes) <= 4
    # What this process wrote it seals without reading it, however it was committed.
    assert backend.runs_read == 0


def test_the_bytes_of_a_commit_are_bounded(place):
    """Large data goes in several."""
    persister, backend = held(place)
    persister.store.save_state("g", "s", {"n": 0, "text": "é" * 200_000})
    backend.sizes.clear()
    outcomes = at_once(backend, adds(persister, 6))
    check(persister, outcomes)
    assert max(backend.sizes) == 1


def test_a_state_that_is_not_there_is_started_once(place):
    """Of those who start it at once one does; the moves behind it find it."""
    persister, backend = held(place)
    persister.store.delete_state("g", "s")
    backend.sizes.clear()
    start = partial(persister.start, "g", "s", {"n": 0})
    outcomes = at_once(backend, [start, start, *adds(persister, 3)])
    made = [one for one in outcomes if not isinstance(one, TaiStateError)]
    assert len([one for one in made if one.event.action == "start"]) == 1
    check(persister, made)
    document = document_at(persister.store, PATHS.state)
    assert document.fields["version"] == max(one.version for one in made)


@pytest.mark.parametrize("where", ["the backend", "a log filter"])
def test_an_error_of_somebody_elses_makes_no_change_twice(place, where):
    """Whoever has it behind the commit of all, the others find out what became of theirs."""
    persister, backend = held(place)
    log = logging.getLogger("tai_state")
    level = log.level
    try:
        if where == "the backend":
            backend.after = meet_trouble
        else:
            log.setLevel(logging.DEBUG)
            backend.after = partial(log.addFilter, meet_trouble)
        outcomes = at_once(backend, adds(persister))
    finally:
        log.removeFilter(meet_trouble)
        log.setLevel(level)
    check(persister, [one for one in outcomes if not isinstance(one, TroubleError)])
    assert (persister.store.get_state("g", "s"))[0].data == {"n": 11_111_111}


def test_who_carries_others_keeps_time_for_itself(place):
    """What theirs takes to be decided ends at half of the time that is left: so each gets on as if it went alone."""
    clock = ManualClock()

    def added(data, payload):
        clock.advance(3.0)
        return {"n": data["n"] + payload}

    slow = Machine("counter", "open", [Transition("add", "open", "open", apply=added)])
    persister, backend = held(place, machine=slow, clock=clock)
    outcomes = at_once(backend, adds(persister, 14, timeout=30.0))
    made = [one for one in outcomes if not isinstance(one, TaiStateError)]
    assert len(made) >= 6
    check(persister, made)
    assert (persister.store.get_state("g", "s"))[1] == len(made) + 1
