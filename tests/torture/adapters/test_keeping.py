"""Machines of other libraries, killed a hundred times in mid-move: kept here, and as people usually keep them."""

import pytest

from tests.chaos.keeping import LIBRARIES, kept

pytestmark = [pytest.mark.torture, pytest.mark.timeout(3_600)]

KILLS = 100


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_hundred_kills_lose_and_double_nothing(library, place, tell):
    """On both engines that processes share: each move that was asked for is made once."""
    url, host = place
    left = kept(library, "ours", url, KILLS, host)
    tell(f"{library}, ours, {url.partition(':')[0]}: {left}")
    assert (left["calm"], left["killed"]) == (3, KILLS)
    assert left["counted"] == left["asked"]


@pytest.mark.parametrize("way", ["pickle", "json"])
@pytest.mark.parametrize("library", LIBRARIES)
def test_a_file_as_usual_loses_or_doubles_moves(library, way, tmp_path, tell):
    """The same program over the same kills."""
    left = kept(library, way, str(tmp_path / "machine"), KILLS)
    tell(f"{library}, {way}: {left}")
    assert (left["calm"], left["killed"]) == (3, KILLS)
    assert left["counted"] != left["asked"]
