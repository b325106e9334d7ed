"""LangGraph over Firestore: what a kill, a second writer and a name do to its users' writes, here and there.

There is langgraph-checkpoint-firestore 0.4.0: it stores each write of a task by a request of its own, over what was
stored before, and finds the threads to be deleted by what their documents' names begin with.
"""

import os
import signal
import subprocess
import sys

import pytest
from langgraph.checkpoint.base import empty_checkpoint
from langgraph_checkpoint_firestore import FirestoreSaver

from tai_state import FirestoreStore
from tai_state.adapters.langgraph import TaiStateSaver

pytestmark = [pytest.mark.peers, pytest.mark.emulator, pytest.mark.filterwarnings("default")]

WRITES = [("a", 1), ("b", 2), ("c", 3)]

KILLED = """
import os, signal, sys
import grpc
from langgraph.checkpoint.base import empty_checkpoint

way, project, kills_at = sys.argv[1], sys.argv[2], int(sys.argv[3])
if way == "theirs":
    from google.cloud.firestore_v1.services.firestore.client import FirestoreClient as Client
    from langgraph_checkpoint_firestore import FirestoreSaver
    saver = FirestoreSaver(project)
    client, name = saver.client._firestore_api, "commit"
else:
    from tai_state import FirestoreStore
    from tai_state.adapters.langgraph import TaiStateSaver
    store = FirestoreStore(project)
    saver = TaiStateSaver(store)
    client, name = store.runtime.access.backend, "commit"
config = saver.put({"configurable": {"thread_id": "t", "checkpoint_ns": ""}}, {**empty_checkpoint(), "id": "1"}, {}, {})
commit, sent = getattr(client, name), []

def counted(*args, **options):
    answer = commit(*args, **options)
    sent.append(1)
    if len(sent) == kills_at:
        os.kill(os.getpid(), signal.SIGKILL)
    return answer

class Counted:
    def __getattr__(self, name):
        return counted if name == "commit" else getattr(client, name)

if way == "theirs":
    client.commit = counted
else:
    type(client).commit, commit = (lambda self, *args, **options: counted(*args, **options)), commit
saver.put_writes(config, [("a", 1), ("b", 2), ("c", 3)], "task")
"""


def config(thread, checkpoint_id=None):
    found = {"thread_id": thread, "checkpoint_ns": ""}
    return {"configurable": found if checkpoint_id is None else {**found, "checkpoint_id": checkpoint_id}}


@pytest.fixture(params=["ours", "theirs"])
def way(request):
    return request.param


@pytest.fixture
def saver(way, tai_state_project):
    if way == "theirs":
        yield FirestoreSaver(tai_state_project)
    else:
        with FirestoreStore(tai_state_project) as store:
            yield TaiStateSaver(store)


def put(saver, thread):
    return saver.put(config(thread), {**empty_checkpoint(), "id": "1"}, {}, {})


def test_a_process_that_is_killed_leaves_all_that_a_task_wrote_or_a_part(way, saver, tai_state_project):
    """Ours all three, with the first commit; theirs the first of three, which LangGraph takes for all."""
    ran = subprocess.run(
        [sys.executable, "-c", KILLED, way, tai_state_project, "1"], env=dict(os.environ), timeout=100, check=False
    )
    assert ran.returncode == -signal.SIGKILL
    left = saver.get_tuple(config("t", "1")).pending_writes
    assert len(left) == {"ours": 3, "theirs": 1}[way]


def test_a_task_that_runs_twice_keeps_what_it_wrote_first_or_last(way, saver):
    """LangGraph's own savers keep the first, on which others may have gone on; theirs is written over."""
    at = put(saver, "t")
    saver.put_writes(at, [("a", "first")], "task")
    saver.put_writes(at, [("a", "second")], "task")
    assert saver.get_tuple(at).pending_writes == [("task", "a", {"ours": "first", "theirs": "second"}[way])]


def test_a_thread_that_is_deleted_takes_others_with_it_or_none(way, saver):
    """Theirs takes each whose name goes on behind an underscore."""
    for thread in ("user", "user_2"):
        put(saver, thread)
    saver.delete_thread("user")
    assert (saver.get_tuple(config("user_2")) is not None) == (way == "ours")
