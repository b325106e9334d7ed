"""Acknowledged means durable through a power cut, on SQLite: images of the files, cut at every flush, are opened.

The images are made from a trace of a real process; see power_cuts.py for what they assume of a disk. A short run;
``make torture`` opens many more.
"""

import itertools
import random
import sys

from tests.integration.backends.power_judge import checkpoints, judge_all, judge_each_sector, traced_worker

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


def test_a_file_in_the_making_is_whole_whichever_sector_is_missing(tmp_path):
    """Under NORMAL, too: until there is a log, SQLite rolls back by a journal, or by what is there of one."""
    steps = traced_worker("NORMAL", 1, tmp_path)
    made = list(itertools.takewhile(lambda step: not step.path.endswith("-wal"), steps))
    verdict = judge_each_sector(made, tmp_path)
    assert verdict.wrong == []
    assert verdict.images > 50


def test_a_disk_that_ignores_flushes_is_found_out(tmp_path):
    """The same writes without their flushes: the images show it."""
    assert judge_all(traced_worker("FULL", MOVES, tmp_path), tmp_path, seed(), flushes=False).lost
