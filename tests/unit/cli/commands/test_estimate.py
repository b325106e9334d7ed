"""``estimate``."""

import json

import pytest


def test_an_estimate_is_one_object(run):
    """What is stored and billed, what it costs, by which prices, and which limits are near; no store is asked."""
    load = ["--machines", "1000000", "--moves-per-second", "1000", "--data-bytes", "500"]
    ended = run("estimate", *load, "--json")
    told = json.loads(ended.stdout)
    assert told["documents"]["states"] == 1_000_000
    assert (told["reads"], told["writes"]) == pytest.approx((2.592e9 * 2, 2.592e9 * 2.02))
    assert told["total"] == sum(told["money"].values())
    assert told["prices"]["region"] == "us-central1"
    assert [round(one["share"], 2) for one in told["limits"]] == [4.06, 2.0]
    assert "check them" in ended.stderr


def test_an_estimate_reads_well(run):
    """A line each, and the limits with what to turn."""
    ended = run(
        "estimate", "--machines", "10", "--moves-per-second", "9", "--data-bytes", "50", "--segment-events", "10"
    )
    assert "one write a second on one document" in ended.stdout
    assert "USD a month" in ended.stdout


def test_a_region_without_prices_is_refused(run):
    """The table's own are named."""
    ended = run(
        "estimate", "--machines", "1", "--moves-per-second", "1", "--data-bytes", "1", "--region", "moon", code=2
    )
    assert "nam5, us-central1" in ended.stderr
