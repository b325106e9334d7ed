"""An adoption that is killed and started again: of a collection in short, all of which is torture's, and of a file."""

import pytest

from tests.chaos.adopting import adopted_under_kills, write_documents, write_lines

pytestmark = [pytest.mark.more, pytest.mark.timeout(900)]
COLLECTION = ("firestore-collection", "orders")
MEMORY_KIB_MAX = 200 * 1024
"""What a process may take that adopts any number of rows; the program alone takes about 100 MiB."""


@pytest.mark.emulator
def test_each_document_is_adopted_once_whenever_it_is_killed(tmp_path, tai_state_project):
    """And the store is sound behind it."""
    write_documents(tai_state_project, 3_000)
    done = adopted_under_kills(tmp_path, f"firestore://{tai_state_project}", COLLECTION, 3_000, kills=2)
    report = done["report"]
    assert (report["rows"], report["verified"], report["is_sound"]) == (3_000, 3_000, True)
    assert report["resumed_behind"] >= done["killed_at"][-1] >= 2_000
    assert report["adopted"] <= 1_000
    assert (done["states"], done["twice"], done["verify"]) == (3_000, 0, 0)


def test_fifty_thousand_lines_are_adopted_once_in_bounded_memory(tmp_path):
    """Killed five times; the last run takes no more memory than one that has little to do."""
    write_lines(tmp_path / "orders.jsonl", 50_000)
    done = adopted_under_kills(tmp_path, f"sqlite:///{tmp_path / 's.db'}", ("jsonl", "orders.jsonl"), 50_000, kills=5)
    report = done["report"]
    assert len(set(done["killed_at"])) == 5
    assert (report["rows"], report["verified"], report["is_sound"]) == (50_000, 50_000, True)
    assert report["resumed_behind"] >= done["killed_at"][-1] >= 41_666
    assert (done["states"], done["twice"], done["verify"]) == (50_000, 0, 0)
    assert done["memory_kib"] < MEMORY_KIB_MAX
