"""Acknowledged means durable through a power cut, on SQLite: images of the files, cut at every flush, are opened.

The images are made from a trace of a real process; see power_cuts.py for what they assume of a disk. A short run;
``make torture`` opens many more.
"""

import random
import sys

from tests.integration.backends.power_judge import checkpoints, judge_all, traced_worker

MOVES = 6


def seed() -> int:
    return random.randrange(2**32)


def test_full_loses_nothing_that_was_acknowledged(tmp_path):
    """And nothing is half there, wherever the power is cut; checkpoints are among the writes."""
    steps = traced_worker("FULL", MOVES, tmp_path)
    verdict = judge_all(steps, tmp_path, seed())
    sys.stderr.write(f"\npower cuts, FULL: {verdict.images} images, {checkpoints(steps)} checkpoints\n")
    assert verdict.wrong == []
    assert checkpoints(steps) >= 3
    assert verdict.images >= 4 * 2 * MOVES


def test_normal_loses_the_last_ones_and_nothing_else(tmp_path):
    """What it gives up: acknowledged changes may be gone, but what is there is whole; so the check can fail, too."""
    verdict = judge_all(traced_worker("NORMAL", MOVES, tmp_path), tmp_path, seed())
    assert verdict.lost
    assert verdict.broken == []


def test_a_disk_that_ignores_flushes_is_found_out(tmp_path):
    """The same writes without their flushes: the images show it."""
    assert judge_all(traced_worker("FULL", MOVES, tmp_path), tmp_path, seed(), flushes=False).lost
