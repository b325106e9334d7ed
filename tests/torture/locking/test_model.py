"""The model of the lease and fence protocol, explored to its end by spin; and mutants of it, each of which is found."""

from pathlib import Path

import pytest

from tests.torture.spin import SECONDS_MAX, assert_mutants_are, explore

MODEL = Path(__file__).parent / "lease.pml"

PROPERTIES = {
    "STALE_WRITE": "==holder)&&",
    "FALLING_WRITE": ">=fence",
    "TWO_TRUST": "trust[i]==0",
    "FALLING_TOKEN": ">last_granted",
    "ORPHAN_GRANT": "!(((holder==",
}
"""What each property's assertion looks like when spin reports it, spaces left out."""

SOUND = {
    "the protocol": ["-DTOKENS=3"],
    "longer leases": ["-DTOKENS=3", "-DTTL=3"],
    "locks that are broken": ["-DTOKENS=2", "-DBREAK"],
    "leases that are restored": ["-DTOKENS=2", "-DBREAK", "-DRESTORE"],
}

MUTANTS = {
    "UNGUARDED": ("STALE_WRITE", []),
    "NO_FENCE": ("FALLING_WRITE", ["-DTOKENS=2", "-DBREAK", "-DRESTORE"]),
    "LATE_TRUST": ("TWO_TRUST", []),
    "SHORT_TTL": ("TWO_TRUST", []),
    "NO_NONCE": ("TWO_TRUST", []),
    "NO_CAS": ("FALLING_TOKEN", []),
    "NO_SETTLEMENT": ("ORPHAN_GRANT", []),
    "FORGETS_TOKEN": ("FALLING_TOKEN", []),
    "LATE_RELEASE": ("TWO_TRUST", []),
    "EARLIER_RENEWAL": ("TWO_TRUST", ["-DTTL=3"]),
}

pytestmark = [pytest.mark.torture, pytest.mark.timeout(SECONDS_MAX + 120)]


@pytest.mark.parametrize("variant", SOUND)
def test_the_protocol_is_sound_in_every_state(tmp_path, variant, tell):
    """All states are explored, each line of the model is reached, and no property is violated."""
    found = explore(MODEL, tmp_path, SOUND[variant])
    tell(f"model, {variant}: {found.states} states in {found.seconds:.0f} s")
    assert found.violated == ""
    assert found.is_complete, found.report
    assert found.unreached == []
    assert found.states > 100_000


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_protocol_that_lacks_a_part_is_found_out(tmp_path, mutant, tell):
    """The property that the part is there for is violated."""
    broken, options = MUTANTS[mutant]
    found = explore(MODEL, tmp_path, [f"-D{mutant}", *options])
    tell(f"model, {mutant}: {found.violated or 'nothing'} after {found.states} states")
    assert PROPERTIES[broken] in found.violated, found.report
    assert [name for name, text in PROPERTIES.items() if text in found.violated] == [broken]


def test_every_mutation_of_the_model_is_tried():
    """Each that it documents, and no other."""
    assert_mutants_are(MODEL, MUTANTS)
