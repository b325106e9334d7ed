"""What a repair writes, pure: the document that the log determines, where those look for it who are to find it."""

from dataclasses import replace

import pytest

from tai_state.config import Encoding
from tai_state.documents import Put
from tai_state.layout import state_layout
from tai_state.rules.recovery.findings import Finding
from tai_state.rules.recovery.repair import mend_state
from tests.unit.records.test_fields import STATE

PATHS = state_layout("g", "s")


@pytest.mark.parametrize(("marked", "found_at"), [("", "a:orders:0"), ("a:orders:3", "a:orders:3")])
def test_a_state_that_is_due_is_found_where_its_marks_say_or_else_where_its_log_does(marked, found_at):
    """Its shard is a choice that was made, which the log does not tell; without one nobody would find it."""
    truth = replace(STATE, marks=replace(STATE.marks, due_key=marked))
    finding = Finding("stale_marks", "s", truth.version, "its marks say nothing of it", PATHS.state, truth=truth)
    mending = mend_state(finding, PATHS, None, {}, Encoding(), keys=("a:orders:0", ""))
    assert mending is not None
    (put,) = mending.writes
    assert isinstance(put, Put)
    assert put.fields["due_key"] == found_at
