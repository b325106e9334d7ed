"""Fifty thousand documents, adopted in bounded memory and killed five times on the way."""

import pytest

from tests.chaos.adopting import adopted_under_kills, write_documents

pytestmark = [pytest.mark.torture, pytest.mark.emulator, pytest.mark.timeout(3_600)]

DOCUMENTS, KILLS = 50_000, 5
MEMORY_KIB_MAX = 250 * 1024
"""What a process may take that adopts any number of documents; the program alone takes about 100 MiB."""


def test_fifty_thousand_documents_are_adopted_once(tmp_path, tai_state_project, tell):
    """Each document has one state with one event, and verify finds nothing."""
    write_documents(tai_state_project, DOCUMENTS)
    source = ("firestore-collection", "orders")
    done = adopted_under_kills(tmp_path, f"firestore://{tai_state_project}", source, DOCUMENTS, KILLS)
    tell(f"adoption: {done}")
    report = done["report"]
    assert len(set(done["killed_at"])) == KILLS
    assert (report["rows"], report["verified"], report["is_sound"]) == (DOCUMENTS, DOCUMENTS, True)
    assert (done["states"], done["twice"], done["verify"]) == (DOCUMENTS, 0, 0)
    assert done["memory_kib"] < MEMORY_KIB_MAX
