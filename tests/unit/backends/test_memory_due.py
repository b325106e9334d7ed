"""What is due in memory is found in order, by an index that says what a look at everything would."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tai_state.backends.memory import MemoryEngine
from tai_state.clock import SystemClock
from tai_state.documents import Cursor, Delete, DocumentPath, FieldEquals, FieldRange, Put, Query

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)

times = st.integers(0, 5).map(lambda minutes: BEGINNING + timedelta(minutes=minutes))
paths = st.builds(
    DocumentPath, st.sampled_from(["governors/a/states", "governors/b/states", "other"]), st.sampled_from("xyz")
)
fields = st.fixed_dictionaries(
    {}, optional={"due_key": st.sampled_from(["k", "other", 7]), "due_at": times | st.just("never")}
)
steps = st.lists(st.tuples(paths, fields | st.none()), max_size=12)
ranges = st.one_of(
    st.builds(FieldRange, st.just("due_at"), times, times),
    st.builds(FieldRange, st.just("due_at"), times),
    st.builds(FieldRange, st.just("due_at"), st.none(), times),
)
cursors = st.none() | st.builds(Cursor, paths, times)


@given(steps, ranges, cursors, st.none() | st.integers(1, 3))
def test_what_is_due_is_found_as_by_looking_at_everything(changes, within, after, limit):
    """Whatever was written, changed and removed, by any range, behind any place."""
    engine = MemoryEngine(SystemClock())
    held: dict[DocumentPath, object] = {}
    for path, content in changes:
        engine.commit([Delete(path) if content is None else Put(path, content)])
        held = {**held, path: content}
    query = Query(collection="states", equal=(FieldEquals("due_key", "k"),), within=within, is_group=True, after=after)
    everything = engine.read([path for path, content in held.items() if content is not None]).documents.values()
    taken = [one for one in everything if query.covers(one.path.collection) and query.takes(one)]
    found = engine.due(query, limit)
    assert found is not None
    assert [one.path for one in found] == [one.path for one in query.arranged(taken)][:limit]


def test_another_query_is_none_of_its():
    """By another field, of one collection, or from the end: that looks at everything."""
    engine = MemoryEngine(SystemClock())
    within, equal = FieldRange("due_at", BEGINNING), (FieldEquals("due_key", "k"),)
    for query in (
        Query(collection="governors/a/states", equal=equal, within=within),
        Query(collection="states", equal=equal, within=within, is_group=True, is_descending=True),
        Query(collection="states", equal=equal, within=FieldRange("timestamp", BEGINNING), is_group=True),
        Query(collection="states", equal=(*equal, FieldEquals("status", "x")), within=within, is_group=True),
        Query(collection="states", equal=equal, is_group=True),
        Query(collection="states", within=within, is_group=True),
    ):
        assert engine.due(query, None) is None
