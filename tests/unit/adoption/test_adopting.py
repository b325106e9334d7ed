"""An adoption makes each row a state once, wherever it is stopped, and tells of every row that has none."""

import json
import random
import tracemalloc
from typing import cast

import pytest

from tai_state import (
    ChangeMetadata,
    ConfigurationError,
    CorruptLogError,
    Machine,
    MemoryStore,
    StateMachinePersister,
    StoreUnavailableError,
    Transition,
    change_context,
    verify,
)
from tai_state.adoption import EarlierMoves, JsonLinesSource, Shape, adopt, adopting, writing
from tai_state.adoption.marks import ProgressMark
from tai_state.keys import Keys

ORDER = Machine("order", "new", [Transition("pay", "new", "paid")])
SHAPE = Shape("state", governor="shop")
TOO_LARGE = random.Random(1).randbytes(1_500_000).hex()  # what no compression brings below 1 MiB


@pytest.fixture
def store():
    with MemoryStore(actor="ann") as store:
        yield store


@pytest.fixture
def file(tmp_path):
    """Write rows as lines of a file, and give a source that reads them."""

    def write(*rows):
        path = tmp_path / "o.jsonl"
        path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows))
        return JsonLinesSource(path)

    return write


@pytest.fixture
def small_pages(monkeypatch):
    """Two rows a page."""
    monkeypatch.setattr(adopting, "PAGE_ROWS", 2)


def order(number, state="new", **data):
    return {"id": f"o-{number}", "state": state, **data}


def events(store, state_id):
    return [(one.version, one.action, one.to_status, one.to_state) for one in store.get_events("shop", state_id)]


def kinds(report):
    return [(one.place.rpartition(" ")[2], one.kind, one.field) for one in report.findings]


def test_a_row_becomes_a_state_by_an_event_that_names_its_source(store, file):
    """With the rest of its fields as data."""
    report = adopt(store, file(order(1, total=3), order(2, "paid")), SHAPE)
    assert (report.rows, report.adopted, report.verified, report.is_sound) == (2, 2, 2, True)
    assert events(store, "o-1") == [(1, "adopt", "new", {"total": 3})]
    (event,) = store.get_events("shop", "o-1")
    assert event.payload == {"source": "o.jsonl", "line": 1, "earlier_moves": 0}
    assert (event.metadata.changed_by, event.metadata.context) == ("ann", {"adopted_from": "o.jsonl"})
    assert all(one.is_consistent for one in verify(store))


def test_many_states_go_with_one_commit(store, file):
    """A hundred of them, or what is large, by bytes."""
    adopt(store, file(*(order(number) for number in range(150))), SHAPE)
    commits = {event.committed_at for number in range(150) for event in store.get_events("shop", f"o-{number}")}
    assert len(commits) == 2


def test_large_states_are_fewer_to_a_commit(store, file, monkeypatch):
    """One commit has its bounds."""
    monkeypatch.setattr(writing, "_BYTES_MAX", 1_000)
    report = adopt(store, file(*(order(number, text=str(number) * 300) for number in range(7))), SHAPE)
    assert report.verified == 7
    commits = {event.committed_at for number in range(7) for event in store.get_events("shop", f"o-{number}")}
    assert len(commits) == 3


def test_a_second_run_adopts_nothing_twice_and_what_is_new(store, file):
    """What it finds it holds against the rows."""
    adopt(store, file(order(1), order(2)), SHAPE)
    report = adopt(store, file(order(1), order(3), order(2)), SHAPE)
    assert (report.adopted, report.verified, report.is_sound) == (1, 3, True)
    assert [len(events(store, f"o-{number}")) for number in (1, 2, 3)] == [1, 1, 1]


def test_a_source_that_changed_is_told_and_writes_over_nothing(store, file):
    """By the status, or by the first field that differs."""
    adopt(store, file(order(1, total=3), order(2)), SHAPE)
    report = adopt(store, file(order(1, total=4), order(2, "paid")), SHAPE)
    assert kinds(report) == [("1", "changed", "total"), ("2", "changed", "status")]
    assert not report.is_sound
    assert events(store, "o-1") == [(1, "adopt", "new", {"total": 3})]


def test_a_state_that_moved_on_is_verified_by_the_event_of_its_adoption(store, file):
    """It is its store's own since; a deleted one, too, which is not made again."""
    adopt(store, file(order(1, total=3), order(2)), SHAPE)
    persister = StateMachinePersister(store, ORDER)
    persister.transition("shop", "o-1", "pay")
    store.save_state("shop", "o-1", {"total": 9})
    store.delete_state("shop", "o-2")
    report = adopt(store, file(order(1, total=3), order(2)), SHAPE)
    assert (report.adopted, report.verified, report.moved_on, report.is_sound) == (0, 2, 2, True)
    assert store.find_state("shop", "o-2") is None


def test_a_state_that_was_there_is_taken(store, file):
    """One of ours, and one that was adopted from elsewhere, are left alone."""
    store.save_state("shop", "o-1", {"mine": True})
    with change_context(context={"adopted_from": "other.csv"}):
        StateMachinePersister(store).log_transition(
            "shop", "o-2", "adopt", to_status="new", data={}, payload={"source": "other.csv"}
        )
    report = adopt(store, file(order(1), order(2), order(3)), SHAPE)
    assert kinds(report) == [("1", "taken", ""), ("2", "taken", "")]
    assert store.get_state("shop", "o-1")[0].data == {"mine": True}
    assert (report.adopted, report.verified) == (1, 1)


def test_two_rows_of_one_id_are_told(store, file):
    """The first one is adopted; one that says the same is no second state."""
    report = adopt(store, file(order(1, n=1), order(1, n=2), order(1, n=1)), SHAPE)
    assert kinds(report) == [("2", "changed", "n")]
    assert (report.adopted, report.verified) == (1, 2)


def test_bad_rows_are_named_and_counted_and_the_others_adopted(store, file):
    """By line and field."""
    report = adopt(store, file(order(1), "{", {"id": "x"}, order(2, bad=float("nan"))), SHAPE)
    assert kinds(report) == [("2", "refused", ""), ("3", "refused", "state"), ("4", "refused", "bad")]
    assert (report.rows, report.adopted, report.counts["refused"]) == (4, 1, 3)


def test_only_the_first_findings_are_kept_and_all_counted(store, file):
    """Memory does not grow with what is wrong."""
    report = adopt(store, file(*["{"] * 150), SHAPE)
    assert (len(report.findings), report.counts["refused"]) == (100, 150)


def test_a_row_that_the_store_does_not_take_is_found_among_others(store, file):
    """A document that is too large, say: the others of its commit are written."""
    rows = [order(1), order(2, text=TOO_LARGE), order(3)]
    report = adopt(store, file(*rows), SHAPE)
    assert kinds(report) == [("2", "refused", "")]
    assert "the store does not take it" in report.findings[0].message
    assert report.verified == 2


def test_a_status_that_the_machine_does_not_have_is_refused(store, file):
    """As the caller asked."""
    report = adopt(store, file(order(1), order(2, "lost")), SHAPE, machine=ORDER)
    assert kinds(report) == [("2", "refused", "state")]


def test_a_machine_moves_what_was_adopted(store, file):
    """As any state."""
    adopt(store, file(order(1)), SHAPE, machine=ORDER)
    assert StateMachinePersister(store, ORDER).transition("shop", "o-1", "pay").to_status == "paid"


def test_earlier_moves_are_events_before_the_adoption(store, file):
    """With their own time and author; all in one commit."""
    moves = [
        {"state": "new", "at": "2024-01-01T00:00:00Z", "actor": "bob", "data": {"n": 0}},
        {"state": "paid", "at": "2024-01-02T00:00:00Z", "action": "pay", "sum": 3},
    ]
    shape = Shape("state", governor="shop", history=EarlierMoves("moves"))
    source = file(order(1, "paid", n=1, moves=moves), order(2))
    report = adopt(store, source, shape)
    assert (report.earlier_moves, report.verified) == (2, 2)
    assert events(store, "o-1") == [(1, "new", "new", {"n": 0}), (2, "pay", "paid", {}), (3, "adopt", "paid", {"n": 1})]
    found = list(store.get_events("shop", "o-1"))
    assert [one.occurred_at and one.occurred_at.isoformat() for one in found[:2]] == [
        "2024-01-01T00:00:00+00:00",
        "2024-01-02T00:00:00+00:00",
    ]
    assert [one.metadata.changed_by for one in found] == ["bob", "ann", "ann"]
    assert found[1].payload == {"sum": 3, "adopted": {"source": "o.jsonl", "adopted_as": 3}}
    assert len({one.committed_at for one in found}) == 1
    store.save_state("shop", "o-1", {}, ChangeMetadata(changed_by="eve"))
    again = adopt(store, source, shape)
    assert (again.adopted, again.verified, again.moved_on) == (0, 2, 1)
    assert all(one.is_consistent for one in verify(store))


def test_a_dry_run_of_an_adoption_writes_nothing(store, file):
    """And tells what would be done, and what would not."""
    store.save_state("shop", "o-2", {})
    before = list(store.list_governors())
    report = adopt(store, file(order(1), order(2), "{", order(1)), SHAPE, dry_run=True)
    assert (report.adopted, report.is_dry_run) == (1, True)
    assert kinds(report) == [("2", "taken", ""), ("3", "refused", ""), ("4", "changed", "")]
    assert list(store.list_governors()) == before
    assert store.find_state("shop", "o-1") is None


def test_it_goes_on_behind_the_last_page(store, file, small_pages, monkeypatch):
    """It does not read the rows again that it has finished, until the check."""
    source = file(*(order(number) for number in range(7)))
    read: list[int] = []
    sound = writing.Writer.write
    written: list[int] = []

    def write(self, candidates):
        if len(written) == 2:
            raise StoreUnavailableError
        written.append(len(candidates))
        sound(self, candidates)

    monkeypatch.setattr(writing.Writer, "write", write)
    with pytest.raises(StoreUnavailableError):
        adopt(store, source, SHAPE)
    assert store.find_state("shop", "o-3") is not None
    assert store.find_state("shop", "o-4") is None
    monkeypatch.setattr(writing.Writer, "write", sound)
    rows = JsonLinesSource.rows

    def noted(self, after, *, history):
        for row in rows(self, after, history=history):
            read.append(row.origin["line"])
            yield row

    monkeypatch.setattr(JsonLinesSource, "rows", noted)
    report = adopt(store, source, SHAPE)
    assert read == [5, 6, 7, *range(1, 8)]
    assert (report.resumed_behind, report.adopted, report.verified) == (4, 3, 7)
    assert [len(events(store, f"o-{number}")) for number in range(7)] == [1] * 7


def test_what_was_written_behind_the_mark_is_not_written_twice(store, file, small_pages, monkeypatch):
    """It died between the commit and its mark."""
    source = file(*(order(number) for number in range(4)))

    def save(self, progress):
        raise StoreUnavailableError

    with monkeypatch.context() as patch:
        patch.setattr(ProgressMark, "save", save)
        with pytest.raises(StoreUnavailableError):
            adopt(store, source, SHAPE)
    assert store.find_state("shop", "o-1") is not None
    report = adopt(store, source, SHAPE)
    assert (report.resumed_behind, report.adopted, report.verified) == (0, 2, 4)
    assert [len(events(store, f"o-{number}")) for number in range(4)] == [1] * 4


def test_a_mark_of_a_file_that_changed_does_not_count(store, file, small_pages, monkeypatch):
    """Its rows may stand elsewhere: all are looked at."""
    source = file(*(order(number) for number in range(4)))
    monkeypatch.setattr(adopting._Run, "check", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        adopt(store, source, SHAPE)
    monkeypatch.undo()
    changed = file(order(9), *(order(number) for number in range(4)))
    report = adopt(store, changed, SHAPE)
    assert (report.resumed_behind, report.adopted, report.verified) == (0, 1, 5)


def test_a_mark_of_a_file_that_changes_during_the_run_does_not_count(store, file, small_pages):
    """It tells where in the file stood what that run has read, and nothing of the one that is there since."""
    source = file(*(order(number) for number in range(6)))

    def replaced(_doing, rows):
        if rows == 4:
            raise KeyboardInterrupt
        file(*(order(number) for number in range(7, 15)))

    with pytest.raises(KeyboardInterrupt):
        adopt(store, source, SHAPE, progress=replaced)
    report = adopt(store, source, SHAPE)
    assert (report.resumed_behind, report.verified, report.is_sound) == (0, 8, True)


def test_of_a_row_that_is_refused_no_fields_are_held(store, file):
    """A page of them is no larger than one of those that are adopted."""
    source = file(*({"id": f"o-{number}", "text": "x" * 500_000} for number in range(40)))
    tracemalloc.start()
    try:
        report = adopt(store, source, SHAPE, dry_run=True)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert report.counts["refused"] == 40
    assert most < 10_000_000


@pytest.mark.more
def test_what_the_store_said_of_a_row_outlives_a_stop(store, file, monkeypatch):
    """It stands with the mark."""
    source = file(order(1), order(2, text=TOO_LARGE))
    with monkeypatch.context() as patch:
        patch.setattr(adopting._Run, "check", lambda *args: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            adopt(store, source, SHAPE)
    report = adopt(store, source, SHAPE)
    assert report.resumed_behind == 2
    assert "the store does not take it" in report.findings[0].message


def test_a_row_that_came_during_the_run_is_missing(store, file, monkeypatch):
    """It is told, and the next run adopts it."""
    source = file(order(1))
    sound = adopting._Run.check

    def check(self, pages, failed):
        with source.path.open("a") as opened:
            opened.write(json.dumps(order(2)) + "\n")
        sound(self, pages, failed)

    with monkeypatch.context() as patch:
        patch.setattr(adopting._Run, "check", check)
        assert kinds(adopt(store, source, SHAPE)) == [("2", "missing", "")]
    assert adopt(store, source, SHAPE).is_sound


def test_a_mark_is_gone_behind_the_end(store, file):
    """It would keep later runs from looking."""
    adopt(store, file(order(1)), SHAPE)
    assert list(Keys(store, "adoptions").keys()) == []


def test_an_unknown_governor_is_refused(store, file):
    """A file does not know one."""
    with pytest.raises(Exception, match="governor says whose the states are"):
        adopt(store, file(order(1)), Shape("state"))


def test_a_machine_whose_statuses_nobody_knows_is_refused(store, file):
    """A mover, or its class: nothing could be held against it."""
    with pytest.raises(ConfigurationError, match="give a Machine, not object"):
        adopt(store, file(order(1)), SHAPE, machine=cast("Machine", object()))


def test_progress_is_told(store, file, small_pages):
    """Behind each page, of both passes."""
    told = []
    adopt(store, file(*(order(number) for number in range(3))), SHAPE, progress=lambda *one: told.append(one))
    assert told == [("adopting", 2), ("adopting", 3), ("checking", 2), ("checking", 3)]


def test_a_damaged_state_is_told_and_the_others_adopted(store, file, monkeypatch):
    """Nothing is written over it."""
    sound = writing._was_there

    def was_there(tx, one):
        if one.state_id == "o-2":
            raise CorruptLogError("shop", "o-2", 1, "damaged")
        return sound(tx, one)

    monkeypatch.setattr(writing, "_was_there", was_there)
    report = adopt(store, file(order(1), order(2), order(3)), SHAPE)
    assert kinds(report) == [("2", "refused", "")]
    assert report.verified == 2


def test_a_state_with_moves_from_elsewhere_is_taken(store, file):
    """Its first event names another source."""
    StateMachinePersister(store).log_transition(
        "shop", "o-1", "new", to_status="new", data={}, payload={"adopted": {"source": "other.csv", "adopted_as": 2}}
    )
    StateMachinePersister(store).log_transition(
        "shop", "o-1", "adopt", to_status="new", data={}, payload={"source": "o.jsonl"}
    )
    assert kinds(adopt(store, file(order(1)), SHAPE)) == [("1", "taken", "")]


def test_a_deletion_is_no_adoption_whatever_its_context_says(store, file):
    """What was adopted, the event of the adoption says."""
    adopt(store, file(order(1, n=1)), SHAPE)
    with change_context(context={"adopted_from": "o.jsonl"}):
        store.delete_state("shop", "o-1")
    report = adopt(store, file(order(1, n=1)), SHAPE)
    assert (report.verified, report.moved_on) == (1, 1)
