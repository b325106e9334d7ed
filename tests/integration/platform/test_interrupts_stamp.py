"""Ctrl-C while a process finds out by what it is known: no file stays open."""

import os
import warnings

import pytest

from tai_state._platform import processes
from tests.integration.platform.interrupting import Strike


@pytest.mark.parametrize("at", range(1, 80))
def test_no_file_stays_open_whenever_it_is_interrupted(at, monkeypatch):
    """And asked again it tells."""
    monkeypatch.setattr(processes, "_stamps", {})
    strike = Strike(at)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", ResourceWarning)
        strike.during(processes.this_process)
    assert [one.message for one in warned] == []
    assert processes.this_process() == processes._read_stamp(os.getpid())
