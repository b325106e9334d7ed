"""Events of a whole governor, by their time: in pages, of which none loses or doubles one."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from tai_state import (
    AsyncBackendStore,
    AsyncStateMachinePersister,
    ChangeMetadata,
    DamagedDocumentsError,
    HistoryPolicy,
    InvalidDataError,
    PersistenceConfig,
)
from tai_state.documents import DocumentPath, Put
from tai_state.layout import state_layout
from tests._async.stores import TIMEOUT, AsyncWrappedBackend, async_plant, in_memory

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
STATES = ("b", "a", "é")


@pytest.fixture
async def logged(store):
    """A store with two events an hour of each of three states, for two hours; and another governor."""
    persister = AsyncStateMachinePersister(store)
    for hour in range(2):
        for state_id in STATES:
            for n in range(2):
                await persister.log_transition(
                    "g",
                    state_id,
                    ("open", "close")[n],
                    to_status="x",
                    data={"n": n},
                    timestamp=BEGIN + hour * HOUR,
                    metadata=ChangeMetadata(changed_by="ann" if state_id == "a" else "bob"),
                )
    await persister.log_transition("other", "a", "open", to_status="x", data={}, timestamp=BEGIN)
    return store


async def async_places(found):
    return [(event.state_id, event.version) async for event in found]


async def async_places_and_error(found):
    """Return what is given before it is told what could not be read, and that."""
    given = []
    try:
        async for event in found:
            given.append((event.state_id, event.version))  # noqa: PERF401 - what came before the error counts
    except DamagedDocumentsError as error:
        return given, error
    raise AssertionError(given)


FIRST_HOUR = [("é", 1), ("é", 2), ("a", 1), ("a", 2), ("b", 1), ("b", 2)]
SECOND_HOUR = [(state_id, version + 2) for state_id, version in FIRST_HOUR]


async def test_events_are_found_in_the_order_of_their_time(logged):
    """Of one time by their own stored ids; whole events, as their states' own."""
    assert await async_places(logged.find_events("g")) == FIRST_HOUR + SECOND_HOUR
    (event,) = [one async for one in logged.find_events("g", limit=1)]
    assert [event] == [one async for one in logged.get_events("g", "é", limit=1)]


async def test_a_range_takes_both_its_ends(logged):
    """To the microsecond, in any time zone."""
    east = (BEGIN + HOUR).astimezone(timezone(timedelta(hours=5)))
    tick = timedelta(microseconds=1)
    assert await async_places(logged.find_events("g", since=east)) == SECOND_HOUR
    assert await async_places(logged.find_events("g", until=BEGIN)) == FIRST_HOUR
    assert await async_places(logged.find_events("g", since=BEGIN + tick, until=east - tick)) == []
    assert await async_places(logged.find_events("g", since=east, until=BEGIN)) == []
    assert (
        await async_places(logged.find_events("g", until=datetime.max.replace(tzinfo=UTC), limit=1)) == FIRST_HOUR[:1]
    )


@pytest.mark.parametrize("size", [1, 2, 5])
async def test_pages_follow_each_other_without_a_loss(logged, size):
    """Each begins behind the last event of the one before, also where many have one time."""
    given, last = [], None
    while True:
        page = [event async for event in logged.find_events("g", after=last, limit=size)]
        if not page:
            break
        given += page
        last = page[-1]
    assert [(event.state_id, event.version) for event in given] == FIRST_HOUR + SECOND_HOUR


async def test_a_place_is_kept_as_a_tuple(logged):
    """What a program can write down; the event itself need not be there any more."""
    assert await async_places(logged.find_events("g", after=(BEGIN, "a", 2))) == [*FIRST_HOUR[4:], *SECOND_HOUR]
    assert await async_places(logged.find_events("g", after=(BEGIN, "aa", 7), limit=1)) == [("b", 1)]
    assert await async_places(logged.find_events("g", after=(BEGIN, "a", 2), since=BEGIN + HOUR)) == SECOND_HOUR
    assert await async_places(logged.find_events("g", after=(BEGIN + HOUR, "a", 2), until=BEGIN)) == []


async def test_what_is_not_wanted_is_left_out_and_counted(logged):
    """Action and author are looked at here: every document in the time is read."""
    read: list[int] = []
    found = logged.find_events("g", action="open", changed_by="ann", progress=read.append)
    assert await async_places(found) == [("a", 1), ("a", 3)]
    assert read == list(range(1, 13))
    assert await async_places(logged.find_events("g", action="open", changed_by="ann", limit=1)) == [("a", 1)]


async def test_no_more_is_read_than_is_asked_for(logged):
    """Where nothing is left out."""
    read: list[int] = []
    assert await async_places(logged.find_events("g", limit=3, progress=read.append)) == FIRST_HOUR[:3]
    assert read == [1, 2, 3]
    assert await async_places(logged.find_events("g", limit=0)) == []
    assert await async_places(logged.find_events("never")) == []


class AsyncAskedBackend(AsyncWrappedBackend):
    """Notes how many documents are asked for."""

    def __init__(self, inner):
        """Begin with none."""
        super().__init__(inner)
        self.limits_asked = []

    def query(self, query, *, limit=None, timeout):
        """Note the limit."""
        self.limits_asked.append(limit)
        return super().query(query, limit=limit, timeout=timeout)


@in_memory
async def test_the_engine_is_asked_for_no_more_than_is_given(place):
    """But where some are left out here, nobody knows how many are needed."""
    backend = AsyncAskedBackend(place.store().runtime.access.backend)
    store = AsyncBackendStore(backend)
    assert await async_places(store.find_events("g", limit=3)) == []
    assert await async_places(store.find_events("g", limit=3, action="open")) == []
    assert backend.limits_asked == [3, None]


async def test_what_cannot_be_read_is_named_behind_the_others(logged):
    """Damaged, or a stranger's."""
    damaged = state_layout("g", "a").event(1)
    await async_plant(logged, damaged, kind=7)
    stranger = DocumentPath(damaged.collection, "a.b")
    await logged.runtime.access.backend.commit([Put(stranger, {"timestamp": BEGIN})], timeout=TIMEOUT)
    given, error = await async_places_and_error(logged.find_events("g", until=BEGIN))
    assert given == [place for place in FIRST_HOUR if place != ("a", 1)]
    assert sorted(error.paths) == sorted(map(str, (damaged, stranger)))


@pytest.mark.parametrize("size", [1, 2])
async def test_a_page_goes_on_past_what_cannot_be_read(logged, size):
    """A page of such documents alone would have no last event to go on behind."""
    for version in (1, 2):
        await async_plant(logged, state_layout("g", "é").event(version), kind=7)
    given, error = await async_places_and_error(logged.find_events("g", limit=size))
    assert (given, len(error.paths)) == (FIRST_HOUR[2 : 2 + size], 2)


async def test_of_one_time_the_stored_ids_of_the_events_decide(store):
    """Which end in their version: where one state's id begins with another's, the longer one goes first."""
    persister = AsyncStateMachinePersister(store)
    for state_id in ("a-1", "a", "a_1", "a-10"):
        for _ in range(2):
            await persister.log_transition("g", state_id, "go", to_status="x", data={}, timestamp=BEGIN)
    expected = [(state_id, version) for state_id in ("a-10", "a-1", "a", "a_1") for version in (1, 2)]
    assert await async_places(store.find_events("g")) == expected
    for number, place in enumerate(expected):
        assert await async_places(store.find_events("g", after=(BEGIN, *place))) == expected[number + 1 :]


async def test_what_is_in_segments_alone_is_told(store):
    """Such events are not found, and who looks for all can ask; their state's own history has them."""
    config = PersistenceConfig(segment_events=4, history=HistoryPolicy(compact_after=timedelta(days=1)))
    persister = AsyncStateMachinePersister(store, config=config)
    for n in range(6):
        await persister.log_transition("g", "a", "go", to_status="x", data={}, timestamp=BEGIN + n * HOUR)
    assert await store.finds_all_events("g")
    await persister.gc("g")
    assert await async_places(store.find_events("g")) == [("a", 5), ("a", 6)]
    assert not await store.finds_all_events("g")
    assert await store.finds_all_events("other")
    assert await async_places(store.get_events("g", "a")) == [("a", version) for version in range(1, 7)]


@in_memory
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("since", datetime(2026, 1, 1)),  # noqa: DTZ001 - what is refused
        ("until", "2026-01-01"),
        ("action", 7),
        ("changed_by", b"ann"),
        ("after", "a@1"),
        ("after", (BEGIN, "a")),
        ("after", (BEGIN, "a", -1)),
        ("after", ("noon", "a", 1)),
        ("limit", -1),
    ],
)
async def test_an_argument_that_cannot_be_is_named(store, name, value):
    """Before anything is asked."""
    with pytest.raises(InvalidDataError, match=name):
        await async_places(store.find_events("g", **{name: value}))


@in_memory
async def test_a_place_in_another_governor_is_refused(logged):
    """It would be another place here."""
    (event,) = [one async for one in logged.get_events("other", "a")]
    with pytest.raises(InvalidDataError, match="other"):
        await async_places(logged.find_events("g", after=event))
