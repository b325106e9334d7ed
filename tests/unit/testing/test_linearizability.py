"""The check of histories: what it must let pass, and what it must find."""

import io
import random

import pytest

from tai_state.testing import ManualClock
from tai_state.testing.linearizability import Move, Moved, Operation, Read, Refused, Seen, violations
from tai_state.testing.recorder import Recorder, recorded


def move(mark, began, ended, version, expected=None):
    return Operation("key", mark, Move(mark, expected), began, ended, Moved(version))


def lost(mark, began, expected=None):
    return Operation("key", mark, Move(mark, expected), began)


def read(began, ended, version, mark):
    return Operation("key", "reader", Read(), began, ended, Seen(version, mark))


def test_calls_one_after_the_other_are_linearizable():
    """Two moves and the reads between them."""
    assert violations([read(0, 1, 0, None), move("a", 2, 3, 1), read(4, 5, 1, "a"), move("b", 6, 7, 2)]) == []


def test_calls_at_the_same_time_may_come_in_any_order():
    """The one that began later may have been first."""
    assert violations([move("a", 0, 10, 2), move("b", 1, 9, 1), read(2, 11, 2, "a")]) == []


def test_a_lost_update_is_found():
    """Two moves were told the same version."""
    (found,) = violations([move("a", 0, 1, 1), move("b", 2, 3, 1)])
    assert found.key == "key"
    assert found.explained == 1
    assert "Move(mark='b'" in str(found)


def test_a_doubled_move_is_found():
    """The second move came out two versions later, and nobody made the one between."""
    assert violations([move("a", 0, 1, 1), move("b", 2, 3, 3)]) != []


def test_a_stale_read_is_found():
    """A reader who began after a move was acknowledged did not see it."""
    assert violations([move("a", 0, 1, 1), read(2, 3, 0, None)]) != []


def test_a_read_that_goes_back_is_found():
    """Two readers, one after the other, while a move is under way."""
    assert violations([move("a", 0, 10, 1), read(1, 2, 1, "a"), read(3, 4, 0, None)]) != []


def test_a_move_without_a_reply_may_have_been_made_at_any_later_time_or_never():
    """And once it was seen, it was made."""
    assert violations([lost("a", 0), read(1, 2, 0, None)]) == []
    assert violations([lost("a", 0), read(1, 2, 0, None), read(3, 4, 1, "a")]) == []
    assert violations([lost("a", 5), read(1, 2, 1, "a")]) != []


def test_a_move_without_a_reply_is_made_once_at_most():
    """A retry that applied it twice shows in the versions."""
    assert violations([lost("a", 0), move("b", 1, 2, 3)]) != []


def test_expected_versions_hold():
    """A move was made from another version than the one it insisted on."""
    assert violations([move("a", 0, 1, 1), move("b", 2, 3, 2, expected=1)]) == []
    assert violations([move("a", 0, 1, 1), move("b", 2, 3, 2, expected=0)]) != []


def test_a_refusal_needs_a_reason():
    """Nobody had moved the state, and still the caller was refused."""
    refused = Operation("key", "b", Move("b", 1), 2, 3, Refused(2))
    assert violations([move("a", 0, 1, 1), refused]) != []
    assert violations([move("a", 0, 1, 1), move("c", 1, 2, 2), refused]) == []


def test_keys_are_judged_apart():
    """Only the key that is broken is named."""
    sound = Operation("other", "a", Move("a"), 0, 1, Moved(1))
    assert [found.key for found in violations([sound, move("a", 0, 1, 2)])] == ["key"]


@pytest.mark.parametrize("seed", range(20))
def test_a_long_history_of_many_clients_is_decided(seed):
    """A register that really is one passes; with one reply changed it fails."""
    rng = random.Random(seed)
    operations, version, mark = [], 0, None
    for moment in range(600):
        began, ended = moment - rng.uniform(0, 4), moment + rng.uniform(0, 4)
        if rng.random() < 0.3:
            operations.append(read(began, ended, version, mark))
            continue
        version, mark = version + 1, f"m{moment}"
        is_lost = rng.random() < 0.02
        operations.append(lost(mark, began) if is_lost else move(mark, began, ended, version))
    assert violations(operations) == []
    index = next(i for i, one in enumerate(operations) if i > 300 and isinstance(one.reply, Moved))
    broken = operations[index]
    operations[index] = move(broken.call.mark, broken.began, broken.ended, broken.reply.version - 20)
    assert violations(operations) != []


def test_what_was_recorded_can_be_read_again():
    """A stream that a kill cut off in a line holds the calls before it; the unfinished one has no reply."""
    stream, clock = io.StringIO(), ManualClock()
    recorder = Recorder("one", stream=stream, clock=clock)
    first = recorder.begin("key", Move("a", 0))
    clock.advance(1)
    recorder.end(first, Moved(1))
    recorder.begin("key", Read())
    lines = stream.getvalue().splitlines(keepends=True)
    assert recorded("one", [*lines, '{"number": 1, "at"']) == recorder.operations()
    assert [one.reply for one in recorder.operations()] == [Moved(1), None]
    assert recorder.operations()[0].ended == 1.0


def test_a_call_that_was_withdrawn_is_in_no_history():
    """Neither in the one that is kept nor in the one that is read again."""
    stream = io.StringIO()
    recorder = Recorder("one", stream=stream, clock=ManualClock())
    recorder.begin("key", Read())
    recorder.withdraw(recorder.begin("key", Move("a")))
    lines = stream.getvalue().splitlines(keepends=True)
    assert recorded("one", lines) == recorder.operations()
    assert [one.call for one in recorder.operations()] == [Read()]
