# Generated from tests/_async/history/test_event_log.py by .ci/generate_sync.py; do not edit.
"""The one reader of events: from segments where there are some, from documents else, and the same either way."""
from dataclasses import replace

import pytest

from tai_state import BackendStore, StateMachinePersister, CorruptLogError, PersistenceConfig
from tai_state._sync.history import log
from tai_state.documents import Delete, DocumentPath
from tai_state.layout import state_layout
from tai_state.rules.history.segments import build_segment
from tests._sync.machines import COUNTER
from tests._sync.stores import TIMEOUT, CountingBackend, WrappedBackend, plant, in_memory

PATHS = state_layout("g", "s")
CONFIG = PersistenceConfig(snapshot_interval=1_000, segment_events=3)


class ReadBackend(WrappedBackend):
    """Counts the documents that are read, and lets something happen before the first look at event documents."""

    def __init__(self, inner):
        super().__init__(inner)
        self.documents = {}
        self.before_events = None

    def _note(self, collection):
        self.documents[collection] = self.documents.get(collection, 0) + 1

    def get_many(self, paths, *, timeout, consistent=True, at=None):
        for path in paths:
            self._note(path.collection)
        return super().get_many(paths, timeout=timeout, consistent=consistent, at=at)

    def scan(self, collection, *, start=None, stop=None, limit=None, timeout):
        if collection == PATHS.governor.events and self.before_events is not None:
            before, self.before_events = self.before_events, None
            before()
        for document in super().scan(collection, start=start, stop=stop, limit=limit, timeout=timeout):
            self._note(collection)
            yield document


def grown(store, version=32, config=CONFIG):
    """Return a persister, and its state at a version; with that of 32, 1 to 30 are sealed, by threes."""
    persister = StateMachinePersister(store, COUNTER, config)
    persister.start("g", "s", {"n": 0})
    for number in range(1, version):
        persister.transition("g", "s", "add", number)
    return persister


def remove(store, *versions):
    """Remove event documents."""
    store.runtime.access.backend.commit([Delete(PATHS.event(one)) for one in versions], timeout=TIMEOUT)


def listed(store, **options):
    return [event for event in store.get_events("g", "s", **options)]


@in_memory
def test_a_full_replay_reads_segments_and_the_tail(store, scale):
    """Of 10,000 events at most 205 documents: one for a hundred, and those that no segment has yet."""
    version = scale(1_000, 10_000)
    grown(store, version, PersistenceConfig())
    backend = ReadBackend(store.runtime.access.backend)
    persister = StateMachinePersister(BackendStore(backend), COUNTER)
    assert (persister.replay("g", "s")).version == version
    assert sum(backend.documents.values()) <= version // 100 + 105
    assert backend.documents[PATHS.governor.segments] == version // 100 - 1


def test_sealed_events_are_those_of_the_documents_in_every_field(store):
    """Also when the store committed them."""
    grown(store)
    history = store.runtime.history
    from_documents = [event for event in history.events(PATHS, sealed=False)]
    remove(store, *range(1, 31))
    assert [event for event in history.events(PATHS)] == from_documents
    assert [event.version for event in from_documents] == list(range(1, 33))


PARTS: tuple[dict[str, int], ...] = (
    *({}, {"after": 1}, {"after": 4}, {"after": 29}, {"until": 2}, {"until": 25}, {"after": 2, "until": 31}),
    *({"limit": 2}, {"limit": 25}, {"after": 3, "limit": 24}, {"after": 1, "until": 30, "limit": 25}),
    *({"until": 99}, {"after": 30}, {"after": 32}),
)


def test_every_part_of_a_sealed_history_is_given(store):
    """The same without the documents as with them, each event once and in order."""
    grown(store)
    before = [listed(store, **options) for options in PARTS]
    remove(store, *range(1, 31))
    assert [listed(store, **options) for options in PARTS] == before
    for options, events in zip(PARTS, before, strict=True):
        after, until = options.get("after", 0), min(options.get("until", 32), 32)
        assert [one.version for one in events] == list(range(after + 1, until + 1))[: options.get("limit")], options


def test_all_that_reads_a_history_needs_no_documents_of_sealed_events(store):
    """The history, replays, the way back, the rebuilt state and the check."""
    persister = grown(store)
    times = [event.timestamp for event in persister.history("g", "s")]
    before = [persister.replay("g", "s", until_version=version) for version in (1, 14, 30, 32)]
    at_14 = [one for one in times if one <= times[13]]
    remove(store, *range(1, 31))
    assert [persister.replay("g", "s", until_version=version) for version in (1, 14, 30, 32)] == before
    assert (persister.replay("g", "s", until_time=times[13])).version == len(at_14)
    assert len([event for event in persister.history("g", "s")]) == 32
    back = persister.rollback("g", "s", 14)
    assert back.snapshot.data == before[1].data
    store.runtime.access.backend.commit([Delete(PATHS.state)], timeout=TIMEOUT)
    loaded = persister.load_state("g", "s")
    assert (loaded.recovered, loaded.snapshot) == (True, back.snapshot)


def test_damaged_segments_are_passed_over_while_the_documents_are_there(store, caplog):
    """It is logged; the first, one in the middle, and the last."""
    persister = grown(store)
    before = listed(store)
    for first in (1, 13, 28):
        plant(store, PATHS.segment(first), events=b"damaged")
        assert listed(store) == before
        assert (persister.replay("g", "s")).version == 32
        assert f"segments/s@{first:019d} is damaged" in caplog.text


def test_a_whole_segment_that_does_not_follow_is_passed_over(store, caplog):
    """Its events are those of another life of the state: the documents count."""
    persister = grown(store)
    other = StateMachinePersister(store, COUNTER, CONFIG)
    other.start("h", "s", {"n": 9})
    for _ in range(4):
        other.transition("h", "s", "add")
    theirs = [event for event in store.runtime.history.events(state_layout("h", "s"))]
    forged = build_segment(PATHS, [replace(event, governor_id="g") for event in theirs[:3]])
    assert forged is not None
    assert forged.write is not None
    store.runtime.access.backend.commit([forged.write], timeout=TIMEOUT)
    assert (persister.replay("g", "s")).version == 32
    assert "passed over" in caplog.text


def test_a_damaged_segment_without_its_documents_is_told(store):
    """What comes before is given, then the error names the damage."""
    persister = grown(store)
    plant(store, PATHS.segment(13), events=b"damaged")
    remove(store, *range(1, 31))
    given = []

    def read():
        for event in store.get_events("g", "s"):
            given.append(event.version)  # noqa: PERF401 - what came before the error counts

    with pytest.raises(CorruptLogError, match="s@0000000000000000013 is damaged"):
        read()
    assert given == list(range(1, 13))
    with pytest.raises(CorruptLogError):
        persister.replay("g", "s")
    with pytest.raises(CorruptLogError):
        persister.rollback("g", "s", 14)


def test_a_gap_is_told_by_a_list_of_events(store):
    """Nobody takes what is left for the whole."""
    grown(store)
    remove(store, 31)
    with pytest.raises(CorruptLogError) as caught:
        listed(store)
    assert caught.value.version == 32


@pytest.mark.parametrize("options", [{}, {"until": 40}, {"limit": 5}], ids=str)
def test_events_that_are_sealed_and_removed_meanwhile_are_found(store, options):
    """Between the look at the segments and the one at the documents."""
    grown(store, 4)
    backend = ReadBackend(store.runtime.access.backend)
    reader = BackendStore(backend, actor="tester")

    def between():
        persister = StateMachinePersister(store, COUNTER, CONFIG)
        for _ in range(29):
            persister.transition("g", "s", "add")
        remove(store, *range(1, 31))

    backend.before_events = between
    versions = [event.version for event in listed(reader, **options)]
    assert versions == list(range(1, 34))[: options.get("limit")]


@pytest.mark.parametrize("foreign", [1, 9])
def test_documents_of_others_among_the_segments_end_nothing(store, foreign):
    """However many of them stand in one page, all that is sealed behind them is found."""
    grown(store, 62)
    remove(store, *range(1, 61))
    for number in range(foreign):
        path = DocumentPath(PATHS.governor.segments, f"s@0000000000000000004-{number}")
        plant(store, path, mine=True)
    assert [event.version for event in listed(store)] == [*range(1, 63)]


def test_a_few_events_are_read_without_a_segment(store):
    """One by one they are less than what holds them sealed."""
    grown(store)
    backend = ReadBackend(store.runtime.access.backend)
    listed(BackendStore(backend), after=3, limit=5)
    assert backend.documents == {PATHS.governor.events: 5}


def test_the_tail_is_read_without_a_segment(store):
    """As one does who follows a state: its document, and what is new."""
    grown(store)
    backend = ReadBackend(store.runtime.access.backend)
    versions = [event.version for event in listed(BackendStore(backend), after=30)]
    assert versions == [31, 32]
    assert backend.documents == {PATHS.governor.states: 1, PATHS.governor.events: 2}


@in_memory
@pytest.mark.parametrize("window", [1, 2, 4, 100])
def test_events_are_given_from_within_a_segment_on(store, monkeypatch, window):
    """Also where it begins before the versions among which it is looked for first."""
    monkeypatch.setattr(log, "_WINDOW", window)
    grown(store)
    remove(store, *range(1, 31))
    for after in (*range(8), 29, 30, 31):
        assert [one.version for one in listed(store, after=after)] == list(range(after + 1, 33))


@in_memory
def test_the_segment_of_a_version_and_those_behind_it_are_found_by_one_look(store):
    """Besides the state, which tells that there are any, and the events that no segment has yet."""
    grown(store, version=12)
    backend = CountingBackend(store.runtime.access.backend)
    listed(BackendStore(backend), after=5)
    assert backend.taken() == ["get_many", "scan", "scan"]
