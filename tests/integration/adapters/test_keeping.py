"""Machines of other libraries that die in the middle of a move: kept here they come back right, and as usual not."""

import pytest

from tests.chaos.keeping import LIBRARIES, kept


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_machine_that_is_killed_in_mid_move_comes_back_right(library, tmp_path, scale):
    """Every move that was asked for is made once: none is lost, and none is doubled."""
    kills = scale(4, 40)
    left = kept(library, "ours", f"sqlite:///{tmp_path / 'store.db'}", kills)
    assert (left["calm"], left["killed"]) == (3, kills)
    assert left["counted"] == left["asked"]
    assert left["status"] == ("right" if left["asked"] % 2 else "left")


@pytest.mark.more
@pytest.mark.parametrize("way", ["pickle", "json"])
@pytest.mark.parametrize("library", LIBRARIES)
def test_the_same_machine_in_a_file_loses_or_doubles_moves(library, way, tmp_path):
    """As the libraries' pages show it; without a kill it counts right."""
    left = kept(library, way, str(tmp_path / "machine"), 40)
    assert (left["calm"], left["killed"]) == (3, 40)
    assert left["counted"] != left["asked"]
