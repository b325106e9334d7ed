# Generated from tests/_async/api/test_find.py by .ci/generate_sync.py; do not edit.
"""States of all governors are found by their labels, and counted."""
import pytest

from tai_state import (
    BackendStore,
    StateMachinePersister,
    TransactionManager,
    DamagedDocumentsError,
    IdempotencyMismatchError,
    InvalidDataError,
    TaiStateError,
)
from tai_state.documents import DocumentPath, Put
from tai_state.keys import Keys, OwnGovernor
from tests._sync.machines import COUNTER
from tests._sync.stores import TIMEOUT, document_at, in_memory


def found(store, **asked):
    return [(one.governor_id, one.state_id) for one in store.find(**asked)]


def until_error(found):
    """Return what is given until an error comes, and the error."""
    given = []
    try:
        for one in found:
            given.append(one)  # noqa: PERF401 - what came before the error is kept
    except TaiStateError as error:
        return given, error
    pytest.fail("no error came")


@pytest.fixture
def labelled(store):
    """Twelve orders of three customers in two governors, one of them deleted, and one state without labels."""
    for n in range(12):
        labels = {"customer": f"c-{n % 3}", "urgent": "yes"} if n % 2 else {"customer": f"c-{n % 3}"}
        store.save_state(f"g{n % 2}", f"s{n:02}", {"n": n}, status="open" if n < 8 else "shut", labels=labels)
    store.delete_state("g1", "s07")
    store.save_state("g1", "plain", {}, status="open")
    return store


def test_states_are_found_by_a_label_across_governors(labelled):
    """Ascending by governor and state; a deleted one has no labels any more."""
    assert found(labelled, labels={"customer": "c-1"}) == [
        ("g0", "s04"),
        ("g0", "s10"),
        ("g1", "s01"),
    ]
    assert found(labelled, labels={"customer": "c"}) == []
    assert found(labelled, labels={"custom": "er=c-1"}) == []


def test_keys_are_no_states_that_are_found(labelled):
    """Whoever looks through all governors meets those of users alone; who names the one of a group meets its keys."""
    Keys(labelled, "carts").set("n", 1)
    assert len(found(labelled)) == 12
    assert labelled.count() == 12
    keys = OwnGovernor("keys", "carts")
    assert found(labelled, governor_id=keys) == [("~keys:carts", "n")]
    assert labelled.count(governor_id=keys) == 1


def test_the_keys_of_a_group_are_found_page_by_page(store):
    """Each page goes on behind the last one, whose states tell the group as text."""
    keys = Keys(store, "carts")
    for key in ("a", "b", "c"):
        keys.set(key, 1)
    asked = {"governor_id": keys.governor_id}
    (first,) = [one for one in store.find(**asked, limit=1)]
    for after in (first, (keys.governor_id, "a")):
        assert found(store, **asked, after=after) == [("~keys:carts", "b"), ("~keys:carts", "c")]


def test_all_that_is_asked_for_must_hold(labelled):
    """Several labels, a status, a governor: each leaves out what does not have it."""
    urgent = {"customer": "c-0", "urgent": "yes"}
    assert found(labelled, labels=urgent) == [("g1", "s03"), ("g1", "s09")]
    assert found(labelled, labels=urgent, status="shut") == [("g1", "s09")]
    assert found(labelled, labels={"customer": "c-0"}, governor_id="g0") == [("g0", "s00"), ("g0", "s06")]
    assert found(labelled, labels={"customer": "c-0"}, machine="orders") == []


def test_what_is_found_goes_on_behind_a_state(labelled):
    """Page by page, from either end, every state is given once."""
    for descending in (False, True):
        asked = {"labels": {"customer": "c-2"}, "descending": descending}
        whole = found(labelled, **asked)
        assert whole == sorted(whole, reverse=descending)
        assert len(whole) == 4
        last, met = None, []
        while page := [one for one in labelled.find(**asked, after=last, limit=3)]:
            met += [(one.governor_id, one.state_id) for one in page]
            last = page[-1]
        assert met == whole
        assert found(labelled, **asked, after=whole[1]) == whole[2:]


def test_states_are_found_without_labels(labelled):
    """By status and governor; a list of all goes from governor to governor, and begins again behind a state."""
    opened = [("g0", f"s{n:02}") for n in (0, 2, 4, 6)] + [("g1", "plain")] + [("g1", f"s{n:02}") for n in (1, 3, 5)]
    assert found(labelled, status="open") == opened
    assert found(labelled, status="open", after=opened[2]) == opened[3:]
    assert found(labelled, status="open", after=opened[2], limit=3) == opened[3:6]
    assert found(labelled, status="open", after=("g", "s")) == opened
    assert found(labelled, governor_id="g1", status="open") == opened[4:]
    assert found(labelled, governor_id="g1", status="open", descending=True) == opened[:3:-1]
    assert len(found(labelled)) == 12
    assert found(labelled, governor_id="none") == []


def test_states_are_counted_as_they_are_found(labelled):
    """Whatever is asked for."""
    for asked in (
        {},
        {"labels": {"customer": "c-0"}},
        {"labels": {"customer": "c-0"}, "governor_id": "g1"},
        {"labels": {"customer": "c-0", "urgent": "yes"}},
        {"labels": {"customer": "c-0"}, "status": "open"},
        {"status": "open"},
        {"status": "open", "governor_id": "g1"},
        {"machine": "orders"},
        {"labels": {"customer": "c-9"}},
    ):
        assert labelled.count(**asked) == len(found(labelled, **asked))


def test_labels_go_with_changes(place):
    """A start sets them, changes set some and take others away, a save keeps them, a rollback brings them back."""
    persister = StateMachinePersister(place.store(), COUNTER)
    started = persister.start("g", "s", {"n": 0}, labels={"a": "1", "b": "2"})
    moved = persister.transition("g", "s", "add", labels={"b": None, "c": "é = 3"})
    persister.transition("g", "s", "add")
    place.store().save_state("g", "s", {"n": 7}, labels={})
    assert started.snapshot.labels == {"a": "1", "b": "2"}
    assert moved.snapshot.labels == moved.event.labels == {"a": "1", "c": "é = 3"}
    assert (place.store().find_state("g", "s")).labels == {"a": "1", "c": "é = 3"}
    place.store().update_state("g", "s", {"n": 8}, 4, labels={"a": None, "d": "4"})
    logged = persister.log_transition("g", "s", "note", to_status="open", data={"n": 9}, labels={"e": "5"})
    assert logged.snapshot.labels == logged.event.labels == {"c": "é = 3", "d": "4", "e": "5"}
    back = persister.rollback("g", "s", 1)
    assert back.snapshot.labels == {"a": "1", "b": "2"}
    assert found(place.store(), labels={"c": "é = 3"}) == []
    assert found(place.store(), labels={"b": "2"}, machine=COUNTER) == [("g", "s")]


def test_labels_go_with_transactions(place):
    """As with changes that stand alone."""
    store = place.store()
    persister = StateMachinePersister(store, COUNTER)

    def body(tx):
        tx.save_state("g", "a", {}, labels={"of": "tx"})
        tx.start(persister, "g", "b", {"n": 0}, labels={"of": "tx", "more": "1"})
        tx.transition(persister, "g", "b", "add", labels={"more": None})
        tx.update_state("g", "a", {}, 1, labels={"by": "update"})
        tx.log_transition(persister, "g", "b", "note", to_status="open", data={"n": 9}, labels={"by": "log"})

    TransactionManager(store).run(body)
    assert found(store, labels={"of": "tx"}) == [("g", "a"), ("g", "b")]
    assert found(store, labels={"by": "update"}) == [("g", "a")]
    assert found(store, labels={"by": "log"}) == [("g", "b")]
    assert found(store, labels={"more": "1"}) == []


def test_labels_are_part_of_what_a_key_stands_for(place):
    """The same request is answered; with other labels it is another one."""
    store = place.store()
    first = store.save_state("g", "s", {}, labels={"a": "1"}, idempotency_key="k")
    assert store.save_state("g", "s", {}, labels={"a": "1"}, idempotency_key="k") == first
    for labels in ({"a": "2"}, {"a": None}, None):
        with pytest.raises(IdempotencyMismatchError):
            store.save_state("g", "s", {}, labels=labels, idempotency_key="k")


@in_memory
@pytest.mark.parametrize(
    "labels",
    [
        "a=1",
        ["a"],
        {1: "a"},
        {"": "a"},
        {"a": ""},
        {"a": 1},
        {"a=b": "1"},
        {"a": "\n"},
        {"a": "\ud800"},
        {"k" * 101: "1"},
        {"a": "v" * 481},
        {str(n): "1" for n in range(33)},
    ],
    ids=lambda labels: ascii(labels)[:20],
)
def test_labels_that_nobody_could_look_for_are_refused(place, labels):
    """By name, and nothing is written."""
    store, backend = place.counting()
    with pytest.raises(InvalidDataError) as caught:
        store.save_state("g", "s", {}, labels=labels)
    assert caught.value.path.startswith("labels")
    assert "commit" not in backend.calls


@in_memory
@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ({"labels": {"a": None}}, "labels['a']"),
        ({"status": 1}, "status"),
        ({"machine": 1}, "machine"),
        ({"descending": True}, "descending"),
        ({"after": "s"}, "after"),
        ({"after": ("g",)}, "after"),
        ({"after": ("g", "s", 1)}, "after"),
        ({"after": ("g", "s"), "governor_id": "h"}, "after"),
        ({"limit": -1}, "limit"),
    ],
    ids=str,
)
def test_what_cannot_be_looked_for_is_refused(place, asked, path):
    """Before the backend is asked; from the end of all states of all governors there is no index to be made."""
    store, backend = place.counting()
    with pytest.raises(InvalidDataError) as caught:
        found(store, **asked)
    assert caught.value.path == path
    assert backend.calls == []


def test_a_state_that_is_damaged_is_passed_over_and_named(labelled, place):
    """Behind the sound ones; what somebody else keeps below a governor is none of ours."""
    path = DocumentPath("governors/g0/states", "s04")
    fields = dict((document_at(labelled, path)).fields)
    strange = DocumentPath("governors/g0/states/s04/states", "x")
    labelled.runtime.access.backend.commit(
        [Put(path, {**fields, "version": "one"}), Put(strange, {"labels": ["customer=c-1"]})], timeout=TIMEOUT
    )
    found, error = until_error(labelled.find(labels={"customer": "c-1"}))
    assert [one.state_id for one in found] == ["s10", "s01"]
    assert isinstance(error, DamagedDocumentsError)
    assert list(error.paths) == ["governors/g0/states/s04"]
    assert BackendStore(labelled.runtime.access.backend).count(labels={"customer": "c-2"}) == 4


@in_memory
def test_a_state_has_32_labels_at_most(store):
    """Those that it has count; one that is replaced is none more."""
    store.save_state("g", "s", {}, labels={f"l{number}": "x" for number in range(32)})
    with pytest.raises(InvalidDataError, match="at most 32 labels"):
        store.save_state("g", "s", {}, labels={"more": "x"})
    assert store.save_state("g", "s", {}, labels={"l0": "y"}) == 2
    assert store.save_state("g", "s", {}, labels={"l1": None, "more": "x"}) == 3
