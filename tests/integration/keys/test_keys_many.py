"""Groups of many keys: filters and clear in bounded memory, with counts of what was done."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import tai_state
from tai_state import connect
from tai_state.keys import Keys, Set

CLEARING = Path(__file__).with_name("clearing.py")
VALUE = "x" * 20_000
PEAK_KIB_MAX = 128 * 1024


@pytest.mark.timeout(400)
def test_a_large_group_is_filtered_and_cleared_in_bounded_memory(tmp_path, scale):
    """Its values are more than that in full size; another group stays as it is."""
    most, url = scale(400, 10_000), f"sqlite:///{tmp_path / 'store.db'}"
    with connect(url, actor="tester") as store:
        keys, other = Keys(store, "g"), Keys(store, "g2")
        other.set("k", 1)
        for first in range(0, most, 100):
            keys.batch([Set(f"k{number:05}", {"n": number, "text": VALUE}) for number in range(first, first + 100)])
    environment = {**os.environ, "PYTHONPATH": str(Path(tai_state.__file__).parents[1])}
    command = [sys.executable, str(CLEARING), url, str(most - 2)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=360)
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert told.pop("peak") < PEAK_KIB_MAX
    filtered = [f"k{most - 2:05}", f"k{most - 1:05}"]
    assert told == {"filtered": filtered, "listed": most, "cleared": most, "left": 0, "again": 0}
    with connect(url, actor="tester") as store:
        assert Keys(store, "g2").get("k") == 1
        assert store.stats(keys.governor_id).deleted == most
