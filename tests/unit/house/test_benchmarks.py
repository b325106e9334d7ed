"""What `make bench` says is what it measured; figures themselves are no test's business."""

import xml.etree.ElementTree as ET

import pytest

from tests.benchmarks import table
from tests.benchmarks.harness import Claim, Measured, Workload, verdict, work
from tests.benchmarks.workloads import WORKLOADS


@pytest.mark.parametrize(
    ("claim", "ratio", "said"),
    [
        (Claim("a", "b", 0.6, 0.8), 0.59, "short"),
        (Claim("a", "b", 0.6, 0.8), 0.6, "must"),
        (Claim("a", "b", 0.6, 0.8), 0.8, "goal"),
        (Claim("a", "b", 2), 9.0, "must"),
        (Claim("a", "b", 1.8, 1.5, less=True), 1.81, "short"),
        (Claim("a", "b", 1.8, 1.5, less=True), 1.6, "must"),
        (Claim("a", "b", 1.8, 1.5, less=True), 1.5, "goal"),
        (Claim("a", "b", 2), None, "not measured"),
    ],
)
def test_a_claim_is_judged_by_what_must_hold_and_by_the_goal(claim, ratio, said):
    """In both directions; a claim without a goal can hold, and no more."""
    assert verdict(claim, ratio) == said


def test_a_ratio_is_the_median_of_those_within_the_rounds():
    """A round in which the machine was busy moves both of its figures."""
    measured = Measured({"a": [10, 1, 30], "b": [5, 1, 10]})
    assert measured.ratio(Claim("a", "b", 1)) == 2
    assert measured.ratio(Claim("a", "c", 1)) is None


def test_every_claim_is_about_subjects_that_are_measured():
    """On both of its sides."""
    for workload in WORKLOADS.values():
        assert {name for claim in workload.claims for name in (claim.subject, claim.against)} <= set(workload.subjects)


class Counting:
    """Three operations a step."""

    def __init__(self):
        self.steps = 0

    def setup(self, folder):
        pass

    def step(self):
        self.steps += 1
        return 3

    def teardown(self):
        pass


def test_work_counts_operations_and_makes_one_step_at_least():
    """However little time there is."""
    subject = Counting()
    done = work(subject, 0)
    assert (subject.steps, done["operations"]) == (1, 3)
    assert done["seconds"] > 0
    assert done["cpu"] >= 0


def test_table_json_and_picture_tell_the_same():
    """Also of what was not measured, and why."""
    claims = [Claim("a", "b", 0.5, 1), Claim("a", "redis", 2)]
    workload = Workload("w", "a <workload>", {"a": Counting, "b": Counting, "redis": Counting}, claims)
    results = {"w": (workload, Measured({"a": [8.0], "b": [10.0]}, {"redis": "there is no redis-server"}))}
    about = {"machine": "a <machine>", "date": "2026-01-01"}
    told = table.text(results)
    assert "w         a / b              0.80x     >= 0.5x  >= 1x  must" in told
    assert "not measured: there is no redis-server" in told
    written = table.record(results, about)["workloads"]["w"]
    assert [(claim["ratio"], claim["verdict"]) for claim in written["claims"]] == [
        (0.8, "must"),
        (None, "not measured"),
    ]
    drawn = ET.fromstring(table.picture(results, about))
    assert any("a / b" in (text.text or "") for text in drawn.iter("{http://www.w3.org/2000/svg}text"))
