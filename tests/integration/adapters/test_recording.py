"""eventsourcing's recorders in several processes, some of which are killed: what a reader beside them sees."""

import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from tai_state import connect
from tai_state.adapters.eventsourcing import TaiStateApplicationRecorder
from tests.waits import SECONDS_MAX, eventually

WRITER = """
import sys
from uuid import uuid4
from eventsourcing.persistence import StoredEvent
from tai_state import connect
from tai_state.adapters.eventsourcing import TaiStateApplicationRecorder

recorder = TaiStateApplicationRecorder(connect(sys.argv[1]))
while True:
    one = uuid4()
    recorder.insert_events([StoredEvent(one, version, "topic", b"state") for version in range(3)])
    print(one, flush=True)
"""


@pytest.fixture(params=["sqlite", pytest.param("emulator", marks=pytest.mark.emulator)])
def url(request, tmp_path):
    """An empty place."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/events.db"
    return f"firestore://{request.getfixturevalue('tai_state_project')}"


@pytest.mark.more
def test_numbers_have_no_gap_beside_writers_that_are_killed(url):
    """Who reads on sees 1, 2, 3, ... as they come; what was saved together is there as a whole, or not at all."""
    command, pipe = [sys.executable, "-c", WRITER, url], subprocess.PIPE
    with connect(url) as store:
        recorder = TaiStateApplicationRecorder(store)
        seen: list[Any] = []

        def read():
            after = seen[-1].id if seen else 0
            seen.extend(recorder.select_notifications(after, 10, inclusive_of_start=False))
            return len(seen)

        acknowledged = []
        for kill in range(4):
            writers = [subprocess.Popen(command, stdout=pipe, text=True, env=dict(os.environ)) for _ in range(2)]
            try:
                enough = 30 * (kill + 1)
                assert eventually(lambda: read() >= enough, SECONDS_MAX)  # noqa: B023 - it is called here
                time.sleep(kill * 0.003)
            finally:
                for writer in writers:
                    writer.send_signal(signal.SIGKILL)
                acknowledged += [line for writer in writers for line in writer.communicate()[0].split()]
        while len(seen) < (recorder.max_notification_id() or 0):
            read()
        assert [one.id for one in seen] == list(range(1, len(seen) + 1))
        ids = [str(one.originator_id) for one in seen]
        assert set(acknowledged) <= set(ids)
        # Three of each, beside each other.
        assert [ids[place : place + 3] for place in range(0, len(ids), 3)] == [[one] * 3 for one in ids[::3]]
        assert len(set(ids)) == len(ids) / 3
        for one in seen[::3]:
            assert [event.originator_version for event in recorder.select_events(one.originator_id)] == [0, 1, 2]
