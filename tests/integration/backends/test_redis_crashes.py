"""What outlives a Redis server that is killed, or whose machine loses its power, by its settings."""

import sys

import pytest

from tests.integration.backends.redis_crashes import cut, killed

pytestmark = [pytest.mark.more, pytest.mark.timeout(300)]


def tell(what, loss):
    sys.stderr.write(
        f"{what}: {loss.lost} of {loss.acknowledged} acknowledged moves are lost, the first of them "
        f"{loss.seconds:.2f} s before the crash\n"
    )


@pytest.mark.parametrize("moves", [1, 20, 150, 400])
def test_a_killed_server_has_all_that_it_acknowledged(tmp_path, moves):
    """With appendfsync always: each move that somebody was told of, and what is there is sound."""
    loss = killed(tmp_path, "always", moves)
    tell("killed, always", loss)
    assert loss.acknowledged >= 4 * moves
    assert (loss.lost, loss.problems) == (0, [])


def test_a_power_cut_takes_nothing_that_was_flushed_always(tmp_path):
    """The answer comes behind the flush: what the log has not flushed nobody was told of."""
    loss = cut(tmp_path, "always", 30)
    tell("power cut, always", loss)
    assert (loss.lost, loss.problems) == (0, [])


def test_a_crash_takes_about_a_second_with_everysec(tmp_path):
    """What is left is sound, and only shorter: the end of each state's history is lost, and nothing before it."""
    for folder in ("killed", "cut"):
        (tmp_path / folder).mkdir()
    death = killed(tmp_path / "killed", "everysec", 300)
    tell("killed, everysec", death)
    power = cut(tmp_path / "cut", "everysec", 300)
    tell("power cut, everysec", power)
    assert death.problems == power.problems == []
    assert power.lost > 0
    assert max(death.seconds, power.seconds) < 10
