"""Power cuts at every flush of a long run on SQLite, several images each."""

import random
import sys

import pytest

from tests.integration.backends.power_judge import checkpoints, judge_all, traced_worker

pytestmark = pytest.mark.torture

MOVES = 40
IMAGES_MIN = 1000


def test_nothing_acknowledged_is_lost_by_a_thousand_power_cuts(tmp_path):
    """Nor is anything half there."""
    steps = traced_worker("FULL", MOVES, tmp_path)
    verdict = judge_all(steps, tmp_path, random.randrange(2**32), per_boundary=3)
    sys.stderr.write(f"\npower cuts, FULL: {verdict.images} images, {checkpoints(steps)} checkpoints, 0 lost\n")
    assert verdict.wrong == []
    assert verdict.images >= IMAGES_MIN


def test_without_full_the_same_run_loses_some(tmp_path):
    """NORMAL gives up the last acknowledged ones, and keeps the rest whole."""
    verdict = judge_all(traced_worker("NORMAL", MOVES, tmp_path), tmp_path, random.randrange(2**32), per_boundary=2)
    sys.stderr.write(f"\npower cuts, NORMAL: {verdict.images} images, {len(verdict.lost)} losses\n")
    assert verdict.lost
    assert verdict.broken == []
