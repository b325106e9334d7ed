"""The SQLite store's clock: a step of the wall clock or a reboot never makes it run back."""

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from tai_state.backends.sqlite import SqliteEngine
from tai_state.backends.sqlite.encoding import from_us
from tai_state.backends.sqlite.patience import deadline_in
from tai_state.backends.sqlite.store_clock import RESERVE_US
from tai_state.documents import Delete, Document, DocumentPath, MustNotExist, Put, UpdatedAt, Write
from tai_state.errors import PreconditionFailedError
from tai_state.testing import ManualClock

AT = DocumentPath("c", "a")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.db"


@pytest.fixture
def booted(path):
    """Open the file as a process of the boot with the given id and clock would; a new boot ends the one before."""
    engines: list[SqliteEngine] = []

    def boot(clock: ManualClock, boot_id: str = "first") -> SqliteEngine:
        for engine in engines:
            engine.close()
        engines.append(SqliteEngine(path, synchronous="FULL", clock=clock, boot_id=boot_id))
        return engines[-1]

    yield boot
    for engine in engines:
        engine.close()


def commit(engine: SqliteEngine, *writes: Write):
    return engine.finish(engine.submit(writes, timeout=5)).commit_time


def read(engine: SqliteEngine) -> Document:
    return engine.get_many([AT], deadline=deadline_in(5)).documents[AT]


def mark(path: Path) -> int:
    connection = sqlite3.connect(path)
    ((found,),) = connection.execute("SELECT value FROM meta WHERE key = 'clock_mark'").fetchall()
    connection.close()
    assert isinstance(found, int)
    return found


@pytest.mark.parametrize("seconds", [-86_400, 86_400])
def test_a_step_of_the_wall_clock_moves_nothing(booted, seconds):
    """Between two commits a second apart on the boot clock lies a second, wherever the wall clock went."""
    clock = ManualClock()
    engine = booted(clock)
    first = commit(engine, Put(AT, {"n": 1}))
    clock.step_wall(seconds)
    clock.advance(1)
    assert commit(engine, Put(AT, {"n": 2})) - first == timedelta(seconds=1)


def test_a_step_of_the_wall_clock_does_not_show_after_reopening(booted):
    """A process that opens the file later in the same boot goes on with the same clock."""
    clock = ManualClock()
    first = commit(booted(clock), Put(AT, {"n": 1}))
    clock.step_wall(-86_400)
    clock.advance(1)
    assert commit(booted(clock), Put(AT, {"n": 2})) - first == timedelta(seconds=1)


def test_a_reboot_with_the_wall_clock_set_back_does_not_run_back(booted):
    """The new boot's boot clock starts at zero and its wall clock is a year early: times rise all the same."""
    before = ManualClock()
    engine = booted(before)
    before.advance(3_600)
    last = commit(engine, Put(AT, {"n": 1}))
    after = ManualClock(before.now() - timedelta(days=365))
    engine = booted(after, "second")
    assert from_us(engine.server_time_us(deadline=deadline_in(5))) > last
    assert commit(engine, Put(AT, {"n": 2})) > last


def test_a_reboot_starts_from_the_wall_clock(booted):
    """The time that the host was off counts, for leases as for people."""
    before = ManualClock()
    commit(booted(before), Put(AT, {"n": 1}))
    after = ManualClock(before.now() + timedelta(days=2))
    assert from_us(booted(after, "second").server_time_us(deadline=deadline_in(5))) == after.now()


def test_a_boot_clock_that_began_anew_is_noticed_without_a_boot_id(booted):
    """Where boots all look alike, a clock behind the mark shows that there was a reboot."""
    clock = ManualClock(monotonic=1_000_000)
    last = commit(booted(clock), Put(AT, {"n": 1}))
    clock._elapsed = 0
    assert commit(booted(clock), Put(AT, {"n": 2})) > last


def test_the_mark_stays_ahead_of_every_commit(booted, path):
    """Whatever is committed, a reboot at that moment would start above it."""
    clock = ManualClock()
    engine = booted(clock)
    for n in range(20):
        last = commit(engine, Put(AT, {"n": n}))
        assert from_us(mark(path)) > last
        clock.advance(0.3)


def test_the_mark_is_written_about_once_a_second(booted, path):
    """Most commits find a mark that is far enough ahead and write none."""
    clock = ManualClock()
    engine = booted(clock)
    marks = set()
    for n in range(100):
        commit(engine, Put(AT, {"n": n}))
        marks.add(mark(path))
        clock.advance(0.03)
    assert 3 <= len(marks) <= 4
    assert max(marks) - min(marks) <= 3_000_000 + RESERVE_US


def test_two_backends_of_one_process_share_the_clock(path):
    """With a clock that stands still, what one commits is not later than what the other reads."""
    clock = ManualClock()
    one = SqliteEngine(path, synchronous="FULL", clock=clock)
    other = SqliteEngine(path, synchronous="FULL", clock=clock)
    times = [commit(engine, Put(AT, {"n": n})) for n, engine in enumerate([one, other, one, other])]
    assert times == sorted(set(times))
    last = [commit(one, Put(DocumentPath("c", f"{n}"), {"n": n})) for n in range(3)][-1]
    assert from_us(other.server_time_us(deadline=deadline_in(5))) >= last
    one.close()
    other.close()


@pytest.mark.parametrize(
    "write", [Put(AT, {"n": 2}), Delete(AT), "guarded"], ids=["unconditional", "delete", "guarded"]
)
def test_a_document_from_the_future_moves_the_clock_above_it(booted, path, write):
    """A file carried from a host whose clock ran ahead goes on, and its documents' times still rise."""
    engine = booted(ManualClock())
    commit(engine, Put(AT, {"n": 1}))
    connection = sqlite3.connect(path)
    connection.execute("UPDATE documents SET update_time = update_time + 3600000000")
    connection.commit()
    connection.close()
    ahead = read(engine).update_time
    engine = booted(ManualClock(), "second")
    if write == "guarded":
        write = Put(AT, {"n": 2}, UpdatedAt(ahead))
    assert commit(engine, write) > ahead
    assert commit(engine, Put(AT, {"n": 3})) > ahead


def test_an_expected_time_in_the_future_does_not_move_the_clock(booted):
    """A precondition that fails leaves the clock where it is, however odd its time."""
    clock = ManualClock()
    engine = booted(clock)
    first = commit(engine, Put(AT, {"n": 1}))
    with pytest.raises(PreconditionFailedError):
        commit(engine, Put(AT, {"n": 2}, UpdatedAt(first + timedelta(days=1_000))))
    assert from_us(engine.server_time_us(deadline=deadline_in(5))) < first + timedelta(seconds=1)


def test_a_document_made_again_in_a_later_boot_is_later(booted):
    """Deleted before a reboot, created after it with the wall clock set back: the time still rises."""
    clock = ManualClock()
    engine = booted(clock)
    commit(engine, Put(AT, {"n": 1}))
    deleted = commit(engine, Delete(AT))
    engine = booted(ManualClock(clock.now() - timedelta(days=1)), "second")
    commit(engine, Put(AT, {"n": 1}, MustNotExist()))
    assert read(engine).update_time > deleted
