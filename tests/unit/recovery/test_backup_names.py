"""Which files of a folder an export may remove."""

from tai_state.rules.recovery.backup_names import leftovers

NEW = "tai-state-20261129T121936123456Z-5c0e1f7a90b3.jsonl.zst"
PART = f".{NEW}.0a.part"
DAY = 86_400.0


def test_what_was_written_a_day_before_the_new_one_is_left_over():
    """And nothing that was written later."""
    assert leftovers({NEW: DAY + 1, PART: 0.0}, NEW) == [PART]
    assert leftovers({NEW: DAY, PART: 0.0}, NEW) == []


def test_where_the_new_one_is_gone_nothing_is_left_over():
    """A later export that keeps fewer has removed it: nobody can tell then what time it is."""
    assert leftovers({PART: 0.0}, NEW) == []
