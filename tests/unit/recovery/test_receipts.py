"""Receipts held against the changes of their keys, pure: what is odd, and what may be all that is left."""

from dataclasses import replace
from typing import Any

import pytest

from tai_state import KEEP
from tai_state.documents import Document
from tai_state.errors import CorruptLogError, SchemaVersionError
from tai_state.rules.commits.change import Plan
from tai_state.rules.commits.kinds import transition_change
from tai_state.rules.commits.starting import start_change
from tai_state.rules.recovery.findings import Made
from tai_state.rules.recovery.receipts import NamedReceipt, ReceiptSearch, named_receipt, says_what_it_should
from tests.unit.commits.made import PATHS, TURNSTILE, at, call, document, head_of, plan, put


def keyed() -> list[Plan]:
    """Return the commits of a state, each under its key: k1, k2, k3."""
    plans = [plan(start_change(call(idempotency_key="k1"), TURNSTILE, {}))]
    for key, action in (("k2", "pay"), ("k3", "push")):
        move = transition_change(call(idempotency_key=key), TURNSTILE, action, None, KEEP)
        plans.append(plan(move, head_of(plans[-1])))
    return plans


PLANS = keyed()
EVENTS = [document(put(one, PATHS.event(one.event.version)), one.event.version) for one in PLANS]


def receipt(key: str, version: int, transition_id: str | None = None) -> NamedReceipt:
    """Return a receipt of a key that names a version, and by default its change."""
    id_ = transition_id or f"transition-{version}"
    return NamedReceipt(PATHS.receipt(key), "s", key, version, id_, PATHS.event(version), at(9))


def found(one: NamedReceipt, events: list[Document], reached: int | None) -> Any:
    """Return what is told of a receipt, once these events were met."""
    search = ReceiptSearch([one], "g", "s")
    for event in events:
        search.meet(event)
    return search.finding(one, reached)


def told(one: NamedReceipt, events: list[Document], reached: int | None) -> str | None:
    """Return the kind of it."""
    finding = found(one, events, reached)
    return None if finding is None else finding.kind


@pytest.mark.parametrize("reached", [3, 2, None])
def test_a_receipt_of_the_change_of_its_key_is_sound(reached):
    """Whatever else is known of the state."""
    for version in (1, 2, 3):
        assert told(receipt(f"k{version}", version), EVENTS, reached) is None


@pytest.mark.parametrize(("version", "transition_id"), [(2, "transition-1"), (1, None), (3, None), (9, None)])
def test_a_receipt_that_names_another_change_than_its_key_made_is_told(version, transition_id):
    """With the one that it made, and when it was written."""
    finding = found(receipt("k2", version, transition_id), EVENTS, 3)
    assert (finding.kind, finding.version, finding.truth) == ("corrupt_receipt", version, Made(2, "transition-2"))
    assert finding.message == f"it names version {version}, and its key made version 2"
    assert (finding.seen, finding.path, finding.state_id) == (at(9), PATHS.receipt("k2"), "s")


def test_a_receipt_of_a_key_that_made_nothing_is_told():
    """Where the log is whole, up to what the state says."""
    for reached in (3, 2):
        finding = found(receipt("another", 2), EVENTS, reached)
        assert (finding.kind, finding.version, finding.seen) == ("orphaned_receipt", 2, at(9))
    assert told(receipt("another", 2), EVENTS, 4) is None


@pytest.mark.parametrize(("version", "kind"), [(3, "orphaned_receipt"), (4, None), (9, None)])
def test_where_the_state_is_lost_a_receipt_beyond_the_log_stays(version, kind):
    """The log may have lost its end with it."""
    assert told(receipt("another", version), EVENTS, None) == kind


def test_where_nothing_is_left_of_a_state_its_receipts_are_of_nothing():
    """There is no log of which an end could be lost."""
    assert told(receipt("another", 4), [], None) == "orphaned_receipt"


@pytest.mark.parametrize(
    "events",
    [
        EVENTS[1:],
        [EVENTS[0], EVENTS[2]],
        [EVENTS[0], replace(EVENTS[1], fields={**EVENTS[1].fields, "hash": "0" * 64}), EVENTS[2]],
        [EVENTS[0], replace(EVENTS[1], fields={**EVENTS[1].fields, "version": "2"}), EVENTS[2]],
        [*EVENTS[:2], replace(EVENTS[2], fields={**EVENTS[2].fields, "version": "3"})],
    ],
    ids=["trimmed", "a gap", "not itself", "damaged", "damaged at its end"],
)
def test_where_an_event_is_missing_or_damaged_a_receipt_stays(events):
    """It may be all that is left of that change."""
    assert told(receipt("another", 2), events, 2) is None


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_log_that_is_whole_behind_what_was_trimmed_tells_of_a_receipt(after):
    """What was trimmed is not missed, however far that went."""
    search = ReceiptSearch([receipt("another", 3)], "g", "s", after)
    for event in EVENTS[after:]:
        search.meet(event)
    finding = search.finding(receipt("another", 3), 3)
    assert finding is not None
    assert finding.kind == "orphaned_receipt"


def test_an_event_that_is_not_itself_made_nothing():
    """Its key is none that counts."""
    unsound = replace(EVENTS[1], fields={**EVENTS[1].fields, "hash": "0" * 64})
    assert told(receipt("k2", 1), [EVENTS[0], unsound, EVENTS[2]], 3) is None


@pytest.mark.parametrize(
    ("version", "transition_id", "is_told"),
    [
        (3, "transition-3", False),
        (3, "another", False),
        (3, "transition-2", True),
        (2, "another", True),
        (1, "another", True),
    ],
)
def test_a_key_that_was_used_again_may_name_a_change_that_is_lost(version, transition_id, is_told):
    """A later one by another id; where a part of the log is gone."""
    one = receipt("k2", version, transition_id)
    assert (told(one, EVENTS, 9) == "corrupt_receipt") is is_told
    assert told(one, EVENTS, 3) == "corrupt_receipt"


def test_a_receipt_says_what_it_should_where_its_event_has_its_key():
    """And its id; without the event nothing does."""
    one = receipt("k2", 2)
    assert says_what_it_should(one, EVENTS[1])
    assert not says_what_it_should(one, EVENTS[0])
    assert not says_what_it_should(one, None)
    assert not says_what_it_should(receipt("k1", 2), EVENTS[1])
    assert not says_what_it_should(receipt("k2", 2, "transition-1"), EVENTS[1])


def stored(**changes: Any) -> Document:
    """Return the document of the receipt of k2, with changes of its fields."""
    found = document(put(PLANS[1], PATHS.receipt("k2")), 9)
    return replace(found, fields={**found.fields, **changes})


def test_a_receipt_names_its_change():
    """As it was written."""
    assert named_receipt(stored(), PATHS.governor) == receipt("k2", 2)


@pytest.mark.parametrize(
    "changes",
    [
        {"state_id": 7},
        {"idempotency_key": None},
        {"version": 0},
        {"version": "2"},
        {"transition_id": 7},
        {"tai_expires_at": "tomorrow"},
        {"format": 0},
    ],
    ids=str,
)
def test_a_receipt_that_is_damaged_is_told(changes):
    """Whichever field it is."""
    with pytest.raises(CorruptLogError, match="is damaged") as caught:
        named_receipt(stored(**changes), PATHS.governor)
    assert caught.value.governor_id == "g"


def test_a_receipt_in_the_place_of_another_one_is_told():
    """Of another key or state, wherever that would stand."""
    others = [{"idempotency_key": f"other {number}"} for number in range(6)] + [{"state_id": "t"}]
    assert {PATHS.receipt(str(one.get("idempotency_key"))).id < PATHS.receipt("k2").id for one in others[:6]} == {
        True,
        False,
    }
    for changes in others:
        with pytest.raises(CorruptLogError, match="is that of another state or key") as caught:
            named_receipt(stored(**changes), PATHS.governor)
        assert caught.value.version == 2


def test_a_newer_receipt_is_refused():
    """It may say something else."""
    with pytest.raises(SchemaVersionError):
        named_receipt(stored(format=99), PATHS.governor)


def test_what_is_about_to_be_removed_leaves_no_gap():
    """Each event up to where the log is trimmed is passed by, however many there are."""
    search = ReceiptSearch([receipt("another", 3)], "g", "s", after=2)
    for one in EVENTS:
        search.meet(one)
    finding = search.finding(receipt("another", 3), 3)
    assert finding is not None
    assert finding.kind == told(receipt("another", 3), EVENTS, 3)
