"""The heads that a process remembers: what is taken is kept no more, and counts no more."""

from tai_state.documents import DocumentPath
from tai_state.heads import HeadCache

ONE, TWO = DocumentPath("c", "one"), DocumentPath("c", "two")


def test_a_head_is_taken_once():
    """Who takes it is to change it: the next one reads."""
    heads: HeadCache[str] = HeadCache(10)
    heads.put(ONE, "head", version=1, data_bytes=1)
    assert (heads.take(ONE), heads.take(ONE), heads.get(ONE)) == ("head", None, None)


def test_what_was_taken_leaves_its_room_to_others():
    """Its bytes are not counted any more."""
    heads: HeadCache[str] = HeadCache(10, bytes_max=10)
    heads.put(ONE, "one", version=1, data_bytes=10)
    heads.take(ONE)
    heads.put(TWO, "two", version=1, data_bytes=10)
    assert heads.get(TWO) == "two"
