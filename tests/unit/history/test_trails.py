"""What a process remembers of what it wrote: without a gap, no longer than it holds, in bounded memory."""

from datetime import UTC, datetime, timedelta

import pytest

from tai_state.documents import DocumentPath
from tai_state.heads import TrailCache

S = DocumentPath("governors/g/states", "s")
T = DocumentPath("governors/g/states", "t")


def at(second):
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=second)


def written(trails, path, versions, *, first=1, size=10):
    for version in versions:
        found = at(version - 1) if version > 1 else None
        trails.add(path, version, f"v{version}", size, first=first, found=found, left=at(version))


@pytest.fixture
def trails():
    return TrailCache(bytes_max=100)


def test_a_trail_is_told_up_to_the_version_asked_for(trails):
    """All from the first one on."""
    written(trails, S, [1, 2, 3])
    assert trails.upto(S, 2, at(3)) == ["v1", "v2"]
    assert trails.upto(S, 3, at(3)) == ["v1", "v2", "v3"]


def test_nothing_is_told_of_a_document_that_was_touched_since(trails):
    """It is known by its time alone."""
    written(trails, S, [1, 2])
    assert trails.upto(S, 2, at(9)) == ()


@pytest.mark.parametrize("versions", [[2, 3], [1, 3], [3]])
def test_a_trail_with_a_gap_is_none(trails, versions):
    """Neither one that began too late, nor one in which somebody else wrote."""
    written(trails, S, versions)
    assert trails.upto(S, versions[-1], at(versions[-1])) == ()


def test_a_trail_begins_anew_behind_what_was_sealed(trails):
    """What is in a segment is not wanted any more."""
    written(trails, S, [1, 2])
    written(trails, S, [3, 4], first=3)
    assert trails.upto(S, 4, at(4)) == ["v3", "v4"]


def test_what_was_used_longest_ago_is_forgotten_first(trails):
    """Within the bytes that all of them may take."""
    written(trails, S, range(1, 5))
    written(trails, T, range(1, 7))
    assert len(trails.upto(S, 4, at(4))) == 4
    written(trails, T, [7])
    assert trails.upto(S, 4, at(4)) == ()
    assert len(trails.upto(T, 7, at(7))) == 7


def test_one_that_is_too_large_alone_is_forgotten(trails):
    """And takes none of the room of those that come after it."""
    written(trails, S, range(1, 12))
    assert trails.upto(S, 11, at(11)) == ()
    written(trails, T, range(1, 11))
    assert len(trails.upto(T, 10, at(10))) == 10


def test_behind_what_cannot_be_kept_nothing_is(trails):
    """Neither what came before it, nor what comes next: there would be a gap."""
    written(trails, S, [1, 2])
    trails.add(S, 3, None, 0, first=1, found=at(2), left=at(2))
    assert trails.upto(S, 3, at(2)) == ()
    written(trails, S, [4])
    assert trails.upto(S, 4, at(4)) == ()
    written(trails, T, range(1, 11))
    assert len(trails.upto(T, 10, at(10))) == 10
