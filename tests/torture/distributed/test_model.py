"""The model of two-phase commit, explored to its end by spin; and mutants of it, one for each rule, that are found."""

import re
from pathlib import Path

import pytest

from tests.torture.spin import SECONDS_MAX, assert_mutants_are, explore

MODEL = Path(__file__).parent / "decision.pml"

PROPERTIES = {
    "SPLIT": r"\+\(1-|\]==fate\[",
    "TWICE": r"^\(\(fate\[",
    "LOST_WRITE": r"\|\|base\[",
    "NOT_HELD": r"\|\|\(\(\(base\[",
    "LATE_COMMIT": r"^\(outcome\[",
    "LATE_ABORT": r"!\(\(outcome\[",
    "UNFOUNDED_ABORT": r"^\(begun\[",
    "ROBBED": r"!\(\(begun\[",
    "FALSE_WORD": r"==\(outcome\[",
    "MARK_STAYS": r"\(mark\[0\]==\d\)&&",
    "STUCK": r"^\(\(at\[0\]",
}
"""What each property's assertion looks like when spin reports it, spaces left out."""

TWO = ["-DTXS=2", "-DSETTLERS=1"]

SOUND = {
    "three settlers": ["-DSETTLERS=3"],
    "a state that is not there": ["-DABSENT"],
    "a mark that is lost": ["-DDAMAGE"],
    "marks that are ended by hand": ["-DFORCE"],
    "a coordinator's store that lost its documents": ["-DVANISH"],
    "two transactions": TWO,
    "nobody who helps": ["-DALIVE", "-DTXS=2"],
}

MUTANTS = {
    "NO_BEGIN": ("MARK_STAYS", []),
    "COMMITS_EARLY": ("NOT_HELD", []),
    "UNCONFIRMED": ("NOT_HELD", []),
    "PREPARE_BLIND": ("NOT_HELD", []),
    "OPEN_MARK": ("LOST_WRITE", []),
    "UNMARKED_READS": ("NOT_HELD", TWO),
    "OVER_MARK": ("MARK_STAYS", TWO),
    "WAITS": ("STUCK", ["-DALIVE", "-DTXS=2"]),
    "NO_LEASE": ("ROBBED", []),
    "DECISION_SET": ("LATE_COMMIT", []),
    "LOOSE_COMMIT": ("LATE_COMMIT", []),
    "LOOSE_ABORT": ("UNFOUNDED_ABORT", []),
    "ABORTS_UNKNOWN": ("LATE_ABORT", ["-DVANISH"]),
    "DROPS_FIRST": ("NOT_HELD", []),
    "PRESUMES": ("SPLIT", []),
    "GUESSES": ("FALSE_WORD", []),
    "OVERRULES": ("LATE_ABORT", []),
    "GIVES_UP": ("FALSE_WORD", []),
    "ANY_MARK": ("TWICE", TWO),
    "PHASE2_BLIND": ("TWICE", []),
    "LEAVES_PLAN": ("MARK_STAYS", []),
    "DELETES_PLAN": ("MARK_STAYS", ["-DABSENT"]),
    "NO_CLOSE": ("MARK_STAYS", []),
    "LOOKS_BEFORE": ("MARK_STAYS", []),
    "RECORDS_EARLY": ("MARK_STAYS", []),
    "CLEANS_EARLY": ("MARK_STAYS", []),
    "CLEANS_APART": ("LATE_ABORT", []),
    "FORGETS_MARK": ("MARK_STAYS", ["-DDAMAGE"]),
    "REBUILDS_OPEN": ("LOST_WRITE", ["-DDAMAGE"]),
    "RESTORES_BLIND": ("MARK_STAYS", []),
    "QUIET_FORCE": ("SPLIT", ["-DFORCE"]),
}

pytestmark = [pytest.mark.torture, pytest.mark.timeout(SECONDS_MAX + 120)]


@pytest.mark.parametrize("variant", SOUND)
def test_two_stores_agree_in_every_state(tmp_path, variant, tell):
    """All states are explored, each line of the model is reached, and no property is violated."""
    found = explore(MODEL, tmp_path, SOUND[variant])
    tell(f"two stores, {variant}: {found.states} states in {found.seconds:.0f} s")
    assert found.violated == ""
    assert found.is_complete, found.report
    assert found.unreached == []
    assert found.states > 40_000


@pytest.mark.parametrize("mutant", MUTANTS)
def test_two_stores_that_lack_a_rule_are_found_out(tmp_path, mutant, tell):
    """The property that the rule is there for is violated."""
    broken, options = MUTANTS[mutant]
    found = explore(MODEL, tmp_path, [f"-D{mutant}", *options])
    tell(f"two stores, {mutant}: {found.violated or 'nothing'} after {found.states} states")
    assert [name for name, text in PROPERTIES.items() if re.search(text, found.violated)] == [broken], found.report


def test_every_rule_of_two_stores_is_tried():
    """Each mutant that the model documents, and no other."""
    assert_mutants_are(MODEL, MUTANTS)
