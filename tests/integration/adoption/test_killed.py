"""An adoption that is killed and started again, in short; all of it is torture's."""

import pytest

from tests.chaos.adopting import adopted_under_kills, write_documents

pytestmark = [pytest.mark.emulator, pytest.mark.more, pytest.mark.timeout(600)]


def test_each_document_is_adopted_once_whenever_it_is_killed(tmp_path, tai_state_emulator_server, tai_state_project):
    """And the store is sound behind it."""
    write_documents(tai_state_project, 3_000)
    done = adopted_under_kills(tmp_path, tai_state_emulator_server.host, tai_state_project, 3_000, kills=2)
    report = done["report"]
    assert (report["rows"], report["verified"], report["is_sound"]) == (3_000, 3_000, True)
    assert report["resumed_behind"] >= done["killed_at"][-1] >= 2_000
    assert report["adopted"] <= 1_000
    assert (done["states"], done["twice"], done["verify"]) == (3_000, 0, 0)
