"""The judge of the chaos runs and the parts it rests on: what each lets pass, and what each finds."""

import asyncio
from dataclasses import replace
from itertools import islice

import hpack
import pytest
from hyperframe.frame import ContinuationFrame, DataFrame, HeadersFrame, PingFrame, RstStreamFrame

from tai_state import MemoryStore, OutcomeUnknownError
from tai_state.testing.linearizability import Move, Moved, Operation, Read, Refused, Seen
from tests.chaos import judge
from tests.chaos.clients import Durable
from tests.chaos.faults import UPON_REPLY, Fault, Plan
from tests.chaos.frames import Units
from tests.chaos.judge import Evidence
from tests.chaos.steps import OPENING, Kind, Step, step


def move(mark, began, ended, reply, expected=None):
    return Operation("key", mark.partition("/")[0], Move(mark, expected), began, ended, reply)


def lost(mark, began):
    return Operation("key", mark.partition("/")[0], Move(mark), began)


OPERATIONS = [
    move(OPENING, 0, 1, Moved(1)),
    move("a/0", 2, 3, Moved(2)),
    lost("b/0", 2),
    Operation("key", "a", Read(), 4, 5, Seen(3, "b/0")),
    move("a/1", 6, 7, Refused(3), expected=2),
    lost("c/0", 6),
]
LOG = {"key": [(1, OPENING), (2, "a/0"), (3, "b/0")]}


def with_log(*marks):
    return Evidence(OPERATIONS, {"key": list(enumerate(marks, start=1))})


def with_reply(mark, reply):
    changed = [
        replace(one, reply=reply, ended=10) if isinstance(one.call, Move) and one.call.mark == mark else one
        for one in OPERATIONS
    ]
    return Evidence(changed, LOG)


def test_the_judge_finds_nothing_in_a_sound_run():
    """A move without a reply may be in the log or not, and one that was refused is not."""
    evidence = Evidence(OPERATIONS, LOG)
    assert not any(judge.verdict(evidence).values())
    assert evidence.acknowledged == 1


@pytest.mark.parametrize(
    ("broken", "kind"),
    [
        (with_log(OPENING, "a/0", "b/0", "a/0"), "duplicated"),
        (with_log(OPENING, "a/0", "b/0", "b/0"), "duplicated"),
        (Evidence(OPERATIONS, {"key": [(1, OPENING), (2, "a/0"), (4, "b/0")]}), "gaps"),
        (with_log(OPENING, "b/0"), "lost"),
        (with_log(OPENING, "b/0", "a/0"), "contradicted"),
        (with_log(OPENING, "a/0", "b/0", "a/1"), "contradicted"),
        (with_log(OPENING, "a/0", "b/0", "d/0"), "contradicted"),
        (with_reply("b/0", Moved(2)), "contradicted"),
        (with_log(OPENING, "a/0", "c/0"), "not linearizable"),
        (Evidence([*OPERATIONS, Operation("key", "d", Read(), 6, 7, Seen(2, "a/0"))], LOG), "not linearizable"),
        (with_reply("a/1", Refused(2)), "not linearizable"),
    ],
    ids=[
        "a move twice",
        "a move without a reply twice",
        "a gap",
        "an acknowledged move is lost",
        "another version than acknowledged",
        "a refused move was made",
        "a move that nobody asked for",
        "two moves told one version",
        "a move that came before it began",
        "a stale read",
        "a refusal for nothing",
    ],
)
def test_the_judge_finds_what_is_broken(broken, kind):
    """Each under its name."""
    assert judge.verdict(broken)[kind] != []


def test_a_move_that_was_asked_for_again_is_one_operation():
    """It began when it was first asked for, and ended with its reply."""
    calls = [lost("a/0", 1), lost("a/0", 4), move("a/0", 7, 8, Moved(2)), Operation("key", "a", Read(), 2, 3)]
    read, merged = judge.merged(calls)
    assert isinstance(read.call, Read)
    assert (merged.began, merged.ended, merged.reply) == (1, 8, Moved(2))


def test_a_seed_decides_faults_and_steps():
    """The same seed gives the same ones, another seed others, and each fault comes at its rate."""
    rates = dict.fromkeys(Fault, 0.05)
    first, again, other = (list(islice(_fates(seed, rates), 1_000)) for seed in ("1", "1", "2"))
    assert first == again != other
    for fault in Fault:
        assert 20 <= sum(drawn is fault for drawn, _ in first) <= 90
    assert [step("1", "a", number) for number in range(50)] == [step("1", "a", number) for number in range(50)]
    assert step("1", "a", 0).mark == "a/0"


def _fates(seed, rates):
    plan = Plan.random(seed, rates)
    while True:
        yield plan.next()


def test_a_plan_of_given_faults_ends_without_any():
    """They come in order, none is drawn behind them, and what waits for a reply is a fault like the others."""
    plan = Plan("", [Fault.ZOMBIE, None, Fault.CUT_AFTER])
    assert [plan.next()[0] for _ in range(5)] == [Fault.ZOMBIE, None, Fault.CUT_AFTER, None, None]
    assert set(Fault) > UPON_REPLY


def test_frames_are_passed_on_as_they_came_and_their_headers_are_read():
    """A header block may come in pieces; what follows on the connection is told by the same table."""
    encoder = hpack.Encoder()
    block = encoder.encode([(":path", "/a.B/Commit"), ("te", "trailers")])
    headers = HeadersFrame(1, data=block[:3])
    continuation = ContinuationFrame(1, data=block[3:], flags=["END_HEADERS"])
    again = HeadersFrame(3, data=encoder.encode([(":path", "/a.B/Commit")]), flags=["END_HEADERS", "END_STREAM"])
    trailers = HeadersFrame(1, data=encoder.encode([("grpc-status", "9")]), flags=["END_HEADERS", "END_STREAM"])
    frames = [headers, continuation, PingFrame(0), again, DataFrame(1, b"x"), trailers, RstStreamFrame(3)]
    sent = b"".join(frame.serialize() for frame in frames)
    units = asyncio.run(_read(sent))
    assert b"".join(unit.raw for unit in units) == sent
    assert [unit.stream for unit in units] == [1, 0, 3, 1, 1, 3]
    assert [unit.path for unit in units] == [b"/a.B/Commit", b"", b"/a.B/Commit", b"", b"", b""]
    assert [unit.ends for unit in units] == [False, False, True, False, True, True]
    assert [unit.grpc_status for unit in units] == [None, None, None, None, 9, None]


async def _read(sent):
    reader = asyncio.StreamReader()
    reader.feed_data(sent)
    reader.feed_eof()
    units = Units(reader)
    found = []
    while (unit := await units.next()) is not None:
        found.append(unit)
    return found


def test_a_client_lives_on_with_a_move_of_unknown_outcome(monkeypatch):
    """One without a key is never asked for again, though the error says that it must not be tried again."""
    notes: list[str] = []

    def lost_reply(*_, **__):
        raise OutcomeUnknownError("t", "g", "s", 2)

    with MemoryStore() as store:
        client = Durable(store)
        client.note = notes.append
        monkeypatch.setattr(client._persister, "transition", lost_reply)
        assert client.move(Step(0, "a/0", Kind.UNKEYED, "one", reads=False), None) is None
    assert notes == ["outcome_unknown"]
