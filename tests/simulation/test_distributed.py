"""Distributed transactions in simulated runs: both stores agree wherever processes die; and bugs are found."""

from dataclasses import replace

import pytest

from tai_state._async.distributed import decisions, parts
from tai_state._async.distributed.parts import AsyncParts
from tai_state.documents import Put
from tai_state.errors import PreconditionFailedError
from tai_state.rules.commits import decide
from tai_state.rules.distributed.parts import settle_writes
from tai_state.rules.distributed.records import Decision, Verdict, decision_writes
from tai_state.rules.records import documents
from tai_state.testing import SimulationFailure
from tests.simulation import distributed

FOUND_WITHIN = 120


def test_both_stores_agree_wherever_processes_die(scale):
    """Each run has its own faults, and a process that dies at one of the listed calls."""
    reports = distributed.run_many(0, scale(len(distributed.POINTS), 20 * len(distributed.POINTS)))
    assert sum(report.crashes for report in reports) >= len(reports)
    assert sum(report.commits for report in reports) >= 10 * len(reports)


def aborts_without_a_decision(monkeypatch):
    """Whoever meets a mark drops it, and tells nobody."""

    async def told(self, transaction_id, deadline):
        found = await made(self, transaction_id, deadline)
        return found._replace(decision=found.decision or Decision(Verdict.ABORT, "nobody"))

    made = decisions.AsyncDecisions.told
    monkeypatch.setattr(decisions.AsyncDecisions, "told", told)


def decisions_replace_each_other(monkeypatch):
    """The last one counts."""

    def replacing(*arguments):
        put, check = decision_writes(*arguments)
        assert isinstance(put, Put)
        return [replace(put, precondition=None), check]

    monkeypatch.setattr(decisions, "decision_writes", replacing)


def marks_keep_nobody_out(monkeypatch):
    """A state is changed by others while it is prepared."""

    def put(paths, record, encoding, found, common=None, *, keeps_mark=False):
        bare = record if keeps_mark else replace(record, marks=replace(record.marks, prepared=None))
        return made(paths, bare, encoding, found, common)

    made = documents.state_put
    monkeypatch.setattr(decide, "state_put", put)
    monkeypatch.setattr(decide, "prepared_error", lambda _: None)
    monkeypatch.setattr(decide, "_check_existence", lambda *_: None)
    monkeypatch.setattr("tai_state.rules.transactions.draft.Draft.check_unprepared", lambda _: None)


def one_store_drops_what_was_committed(monkeypatch):
    """Its marks go, and its events are not written."""

    def dropped(part, closed, documents, verdict, encoding):
        return settle_writes(part, closed, documents, Verdict.ABORT if part.name == "right" else verdict, encoding)

    monkeypatch.setattr(parts, "settle_writes", dropped)


def a_prepare_that_was_refused_is_taken_for_one(monkeypatch):
    """What it rests on has changed, and it is committed all the same where the other store was prepared."""

    async def prepare(self, part, concerned, changed_by, deadline):
        try:
            await made(self, part, concerned, changed_by, deadline)
        except PreconditionFailedError:
            return

    made = AsyncParts.prepare
    monkeypatch.setattr(AsyncParts, "prepare", prepare)


@pytest.mark.parametrize(
    "plant",
    [
        aborts_without_a_decision,
        decisions_replace_each_other,
        marks_keep_nobody_out,
        one_store_drops_what_was_committed,
        a_prepare_that_was_refused_is_taken_for_one,
    ],
    ids=lambda plant: plant.__name__,
)
def test_a_planted_bug_of_two_phases_is_found(plant, monkeypatch):
    """One of the seeds finds it."""
    plant(monkeypatch)
    with pytest.raises(SimulationFailure):
        distributed.run_many(0, FOUND_WITHIN)
