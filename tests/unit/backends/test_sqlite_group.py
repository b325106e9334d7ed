"""Group commit: what waits together is flushed together, fails alone, and always ends."""

import sqlite3
import threading

import pytest

from tai_state.backends.sqlite import SqliteEngine, group
from tai_state.backends.sqlite.applying import GroupApplier, Job
from tai_state.backends.sqlite.patience import deadline_in
from tai_state.clock import SystemClock
from tai_state.documents import DocumentPath, MustNotExist, Put, UpdatedAt
from tai_state.errors import (
    CommitAmbiguousError,
    PreconditionFailedError,
    StoreClosedError,
    StoreError,
    StoreUnavailableError,
    TaiStateError,
)


def at(id_: str) -> DocumentPath:
    return DocumentPath("c", id_)


@pytest.fixture
def engine(tmp_path, monkeypatch):
    # Statements are counted here: none of them removes what has expired.
    monkeypatch.setattr(group, "commits_until_first", lambda: 1_000)
    engine = SqliteEngine(tmp_path / "store.db", synchronous="FULL", clock=SystemClock())
    put(engine, "first")
    yield engine
    engine.close()


@pytest.fixture
def statements(engine):
    """The statements that the writing connection has run since the test began."""
    seen: list[str] = []
    engine._session.group._applier.connection.set_trace_callback(seen.append)
    return seen


@pytest.fixture
def locked(engine, tmp_path):
    """A function that frees the write lock of the file, which another connection holds meanwhile."""
    connection = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    yield connection.close
    connection.close()


def queue(engine: SqliteEngine, *ids: str, timeout: float = 5) -> list[Job]:
    return [engine.submit([Put(at(id_), {"n": 1}, MustNotExist())], timeout=timeout) for id_ in ids]


def put(engine: SqliteEngine, id_: str) -> None:
    (job,) = queue(engine, id_)
    engine.finish(job)


def stored(engine: SqliteEngine) -> list[str]:
    ids: list[str] = []
    start: str | None = ""
    while start is not None:
        page, start = engine.scan_ids_page("c", start=start, limit=1_000, deadline=deadline_in(5))
        ids += page
    return ids


def verdict(engine: SqliteEngine, job: Job) -> type[TaiStateError] | None:
    try:
        engine.finish(job)
    except TaiStateError as error:
        return type(error)
    return None


def test_an_error_of_the_engine_that_is_one_jobs_alone_is_ours(engine, monkeypatch):
    """Damage that one job meets fails it with a StoreError, and the others are committed."""
    run = GroupApplier._run

    def meet_damage(applier, step, time_us):
        if step.path.id == "b":
            message = "database disk image is malformed"
            raise sqlite3.DatabaseError(message)
        run(applier, step, time_us)

    monkeypatch.setattr(GroupApplier, "_run", meet_damage)
    jobs = queue(engine, "a", "b", "c")
    assert [verdict(engine, job) for job in jobs] == [None, StoreError, None]


def test_what_is_queued_is_one_transaction(engine, statements):
    """Forty commits that wait together are flushed once, and the first to be finished does it for all."""
    jobs = queue(engine, *[f"{n}" for n in range(40)])
    times = [engine.finish(job).commit_time for job in jobs]
    assert statements.count("COMMIT") == 1
    assert times == sorted(set(times))
    assert len(stored(engine)) == 41


def test_one_commit_runs_no_more_than_its_statements(engine, statements):
    """A caller that is alone pays for no savepoint and no look at the clock's rows."""
    put(engine, "a")
    words = [statement.split()[0] for statement in statements]
    assert words == ["BEGIN", "INSERT", "COMMIT"]


def test_a_failing_commit_fails_alone(engine, statements):
    """One whose document is there already is refused, its neighbours are not, in the same transaction."""
    jobs = queue(engine, "a", "first", "b")
    verdicts = [verdict(engine, job) for job in jobs]
    assert verdicts == [None, PreconditionFailedError, None]
    assert statements.count("COMMIT") == 1
    assert stored(engine) == ["a", "b", "first"]


def test_a_commit_that_fails_halfway_leaves_nothing(engine):
    """What a refused commit had written before its precondition failed is undone, the neighbours' is not."""
    before = queue(engine, "a")
    halfway = engine.submit([Put(at("half"), {"n": 1}), Put(at("first"), {"n": 2}, MustNotExist())], timeout=5)
    after = queue(engine, "b")
    verdicts = [verdict(engine, job) for job in [*before, halfway, *after]]
    assert verdicts == [None, PreconditionFailedError, None]
    assert stored(engine) == ["a", "b", "first"]


def test_commits_of_one_group_see_each_other(engine):
    """Two replacements of the same version in one group: the first wins, the second is refused."""
    read = engine.get_many([at("first")], deadline=deadline_in(5)).documents[at("first")]
    jobs = [engine.submit([Put(at("first"), {"n": n}, UpdatedAt(read.update_time))], timeout=5) for n in (7, 8)]
    assert [verdict(engine, job) for job in jobs] == [None, PreconditionFailedError]
    assert engine.get_many([at("first")], deadline=deadline_in(5)).documents[at("first")].fields == {"n": 7}


def test_another_writers_lock_ends_in_unavailable(engine, locked):
    """While another process holds the write lock, the deadline passes and nothing was applied."""
    (job,) = queue(engine, "a", timeout=0.05)
    with pytest.raises(StoreUnavailableError) as caught:
        engine.finish(job)
    assert not isinstance(caught.value, CommitAmbiguousError)
    assert isinstance(caught.value.__cause__, sqlite3.OperationalError)
    locked()
    put(engine, "b")
    assert stored(engine) == ["b", "first"]


def test_a_waiter_withdraws_at_its_deadline(engine, locked):
    """A caller behind a leader that waits for the lock leaves in time; the leader's commit goes on without it."""
    (leading,) = queue(engine, "a")
    leader = threading.Thread(target=engine.finish, args=(leading,))
    leader.start()
    while engine._session.group._leader is not leading:
        pass
    (late,) = queue(engine, "late", timeout=0.05)
    with pytest.raises(StoreUnavailableError, match="not applied"):
        engine.finish(late)
    locked()
    leader.join()
    assert stored(engine) == ["a", "first"]


def test_a_withdrawn_commit_is_not_applied(engine):
    """A caller that was cancelled before anybody took its commit knows that it was not applied."""
    (job,) = queue(engine, "a")
    assert engine.withdraw(job)
    put(engine, "b")
    assert stored(engine) == ["b", "first"]


def test_a_commit_past_its_deadline_in_the_queue_is_refused(engine):
    """Whoever leads leaves out what came too late."""
    (late,) = queue(engine, "late", timeout=0)
    put(engine, "b")
    with pytest.raises(StoreUnavailableError, match="not applied"):
        engine.finish(late)
    assert stored(engine) == ["b", "first"]


def failing(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = code
    error.sqlite_errorname = "SQLITE_IOERR_FSYNC"
    return error


def test_a_flush_that_fails_is_ambiguous(engine, monkeypatch):
    """When the COMMIT itself fails, the frames may be in the WAL: nobody can say, and a refusal is no verdict."""

    def commit(applier: GroupApplier) -> None:
        raise failing(sqlite3.SQLITE_IOERR | (4 << 8))

    jobs = queue(engine, "a", "first")
    with monkeypatch.context() as patch:
        patch.setattr(GroupApplier, "commit", commit)
        verdicts = [verdict(engine, job) for job in jobs]
    assert verdicts == [CommitAmbiguousError, StoreUnavailableError]
    put(engine, "b")
    assert stored(engine) == ["b", "first"]


def test_a_statement_that_fails_is_certainly_not_applied(engine, monkeypatch):
    """When the disk fails before the COMMIT, everything was rolled back."""

    def apply(applier: GroupApplier, group: list[Job], *, savepoints: bool) -> bool:
        raise failing(sqlite3.SQLITE_IOERR)

    (job,) = queue(engine, "a")
    with monkeypatch.context() as patch:
        patch.setattr(GroupApplier, "apply", apply)
        assert verdict(engine, job) is StoreUnavailableError
    put(engine, "b")


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_interrupted_leader_leaves_nothing_behind(engine, monkeypatch, when):
    """Ctrl-C around the COMMIT: no transaction stays open, and the others' commits end well, exactly once."""
    interrupted = False

    def commit(applier: GroupApplier) -> None:
        nonlocal interrupted
        if when == "after" or interrupted:
            applier.connection.execute("COMMIT")
        if not interrupted:
            interrupted = True
            raise KeyboardInterrupt

    monkeypatch.setattr(GroupApplier, "commit", commit)
    leading, other = queue(engine, "a", "b")
    with pytest.raises(KeyboardInterrupt):
        engine.finish(leading)
    assert engine.finish(other).commit_time
    assert stored(engine) == (["a", "b", "first"] if when == "after" else ["b", "first"])


def test_threads_lose_nothing(engine):
    """Sixteen threads that commit at once: every commit is there, and none waits for ever."""

    def put_many(k: int) -> None:
        for n in range(25):
            put(engine, f"{k}-{n}")

    threads = [threading.Thread(target=put_many, args=(k,)) for k in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stored(engine) == sorted(["first", *[f"{k}-{n}" for k in range(16) for n in range(25)]])
    group = engine._session.group
    assert (group._leader, len(group._queue), len(group._waiters)) == (None, 0, 0)


def test_a_closed_store_refuses(engine):
    """After close, a commit is refused for good rather than kept waiting."""
    (queued,) = queue(engine, "a")
    engine.close()
    with pytest.raises(StoreClosedError, match="closed"):
        engine.finish(queued)
    with pytest.raises(StoreClosedError, match="closed"):
        queue(engine, "b")


def test_what_another_caller_has_committed_is_told_as_done_after_close(engine):
    """A store that is closed takes no more commits; those that were made it does not deny."""
    mine, theirs = queue(engine, "a", "b")
    engine.finish(theirs)
    engine.close()
    assert engine.finish(mine).commit_time == mine.outcome().commit_time


def test_what_nobody_has_committed_is_refused_after_close(engine):
    """It was not applied, and never will be."""
    (job,) = queue(engine, "a")
    engine.close()
    with pytest.raises(StoreClosedError, match="is closed"):
        engine.finish(job)
