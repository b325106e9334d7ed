"""The SQLite backend in several processes: nothing is lost, neither in a race nor after a fork."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tai_state._sync.backends.sqlite import SqliteBackend
from tai_state.documents import DocumentPath, Put

COUNTER = DocumentPath("counters", "one")

INCREMENT = """
import sys
from tai_state._sync.backends.sqlite import SqliteBackend
from tai_state.documents import DocumentPath, Put, UpdatedAt
from tai_state.errors import PreconditionFailedError
counter = DocumentPath("counters", "one")
backend = SqliteBackend(sys.argv[1])
done = 0
while done < 100:
    document = backend.get(counter, timeout=30).documents[counter]
    try:
        backend.commit(
            [Put(counter, {"n": document.fields["n"] + 1}, UpdatedAt(document.update_time))], timeout=30
        )
        done += 1
    except PreconditionFailedError:
        pass
backend.close()
"""


def test_no_increment_of_four_processes_is_lost(tmp_path):
    """Four processes read and replace one counter a hundred times each: it ends at four hundred."""
    path = tmp_path / "store.db"
    backend = SqliteBackend(path)
    backend.commit([Put(COUNTER, {"n": 0})], timeout=5)
    racers = [subprocess.Popen([sys.executable, "-c", INCREMENT, str(path)]) for _ in range(4)]
    assert [racer.wait() for racer in racers] == [0] * 4
    assert backend.get(COUNTER, timeout=5).documents[COUNTER].fields == {"n": 400}
    backend.close()


def in_child(call) -> int:
    """Return the exit status of a fork's child that calls *call*."""
    pid = os.fork()
    if not pid:
        try:
            call()
        except BaseException:  # noqa: BLE001 - the child must not run the parent's tests
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_both_sides_of_a_fork_go_on(tmp_path):
    """The child opens the file for itself, and the parent's connections work on."""
    backend = SqliteBackend(tmp_path / "store.db")
    backend.commit([Put(DocumentPath("c", "before"), {"n": 1})], timeout=5)
    assert in_child(lambda: backend.commit([Put(DocumentPath("c", "child"), {"n": 1})], timeout=5)) == 0
    backend.commit([Put(DocumentPath("c", "parent"), {"n": 1})], timeout=5)
    assert list(backend.scan_ids("c", timeout=5)) == ["before", "child", "parent"]
    backend.close()


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_may_close_what_it_inherited(tmp_path):
    """Closing in the child takes nothing from the parent."""
    backend = SqliteBackend(tmp_path / "store.db")
    backend.commit([Put(DocumentPath("c", "before"), {"n": 1})], timeout=5)
    assert in_child(backend.close) == 0
    backend.commit([Put(DocumentPath("c", "parent"), {"n": 1})], timeout=5)
    assert list(backend.scan_ids("c", timeout=5)) == ["before", "parent"]
    backend.close()


ORPHAN = """
import os, subprocess, sys
from tai_state._sync.backends.sqlite import SqliteBackend
from tai_state.documents import DocumentPath, Put
path = sys.argv[1]
backend = SqliteBackend(path)
backend.commit([Put(DocumentPath("c", "parent"), {"n": 1})], timeout=5)
backend.get(DocumentPath("c", "parent"), timeout=5)
gone_read, gone_write = os.pipe()
if os.fork():
    os._exit(0)
os.close(gone_write)
backend.commit([Put(DocumentPath("c", "child"), {"n": 1})], timeout=5)
os.read(gone_read, 1)  # returns when the parent has gone
subprocess.run([sys.executable, "-c", f"import sqlite3; c = sqlite3.connect({path!r}); "
    "c.execute('SELECT count(*) FROM documents').fetchall(); c.close()"], check=True)
backend.commit([Put(DocumentPath("c", "orphan"), {"n": 1})], timeout=5)
print("done", flush=True)
os._exit(0)
"""


def test_a_child_keeps_its_commits_when_its_parent_has_gone(tmp_path: Path):
    """What a fork copies of SQLite's locks must not let another process delete the WAL under the child."""
    path = tmp_path / "store.db"
    with subprocess.Popen([sys.executable, "-c", ORPHAN, str(path)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.read() == b"done\n"
    backend = SqliteBackend(path)
    assert list(backend.scan_ids("c", timeout=5)) == ["child", "orphan", "parent"]
    backend.close()
