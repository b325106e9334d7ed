"""Machines that were redefined under one name and version."""

from dataclasses import replace

from tai_state.rules.records.record import MachineStamp
from tai_state.rules.recovery.definitions import Definitions
from tests.unit.commits.made import TURNSTILE, lived


def moved(*fingerprints):
    """Return the definitions that moved one state each."""
    found = Definitions([TURNSTILE])
    for number, fingerprint in enumerate(fingerprints):
        record = lived(1)[-1].record
        mark = record.machine if fingerprint is None else MachineStamp("turnstile", 2, fingerprint)
        found.add(replace(record, machine=mark, state_id=f"s{number}"))
    return found


def test_one_definition_is_no_problem():
    """However many states it moved; neither is another machine beside it."""
    assert moved(None, None).problems() == []
    assert Definitions([TURNSTILE]).problems() == []


def test_several_definitions_are_one_problem():
    """It names the states that were moved by another one than is known here."""
    (problem,) = moved(None, "e" * 64, "f" * 64).problems()
    assert (problem.kind, problem.state_id) == ("machine_redefined", "s1")
    assert "has 3 definitions" in problem.message


def test_a_definition_that_is_known_here_may_have_moved_nothing_last():
    """What is told of each is which states it moved, and whether it is ours."""
    (problem,) = moved("e" * 64, "e" * 64).problems()
    assert "the one known here, which moved no state last" in problem.message
    assert f"{'e' * 12}, which moved 2 states last, such as 's0' of governor 'g'" in problem.message
