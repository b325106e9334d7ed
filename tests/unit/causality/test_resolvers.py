"""Resolvers: the same result on every replica, and the one that each promises."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tai_state import ConflictError, ConflictResolutionError, InvalidDataError
from tai_state.causality import Causal, Custom, HighestVersion, LastWriteWins, MergeFields, Resolution, VectorClock
from tai_state.causality.resolvers import content_digest
from tai_state.crdt import GCounter
from tests.unit.causality.versions import DATA, VERSIONS, Made, later

RESOLVERS = [LastWriteWins(), Causal(), HighestVersion(), MergeFields(), Custom(lambda earlier, later, base: earlier)]
every_resolver = pytest.mark.parametrize("resolver", RESOLVERS, ids=lambda resolver: resolver.name)


def said(resolution):
    """Return what two stores that resolve must agree on."""
    source = resolution.source
    content = Made(data=resolution.data, status=resolution.status, deleted=resolution.deleted, labels=resolution.labels)
    return content_digest(content), source.last_error, resolution.fields, resolution.siblings


@every_resolver
@given(VERSIONS, VERSIONS, st.none() | VERSIONS)
def test_the_order_of_the_versions_does_not_matter(resolver, one, other, base):
    """Whoever resolves the same two comes to the same."""
    assert said(resolver.resolve(one, other, base)) == said(resolver.resolve(other, one, base))


@every_resolver
@given(VERSIONS, st.none() | VERSIONS)
def test_a_version_and_itself_are_that_version(resolver, one, base):
    """Nothing is made up."""
    assert said(resolver.resolve(one, one, base)) == said(resolver.resolve(one, one))
    assert resolver.resolve(one, one, base).data == one.data


def test_the_last_write_is_the_one_of_the_later_clock():
    """Whatever else is said of it."""
    early, late = Made({"n": 1}, later(1), VectorClock({"a": 9}), version=9), Made({"n": 2}, later(2))
    assert LastWriteWins().resolve(late, early).data == {"n": 2}


def test_what_knew_of_the_other_counts_whatever_its_clock_says():
    """A host whose clock is behind loses nothing by it."""
    first = Made({"n": 1}, later(9), VectorClock({"a": 1}))
    second = Made({"n": 2}, later(1), VectorClock({"a": 1, "b": 1}))
    assert Causal().resolve(first, second).data == Causal().resolve(second, first).data == {"n": 2}


def test_of_two_that_did_not_know_of_each_other_the_one_that_knows_more_counts():
    """No host's clock decides before that."""
    more = Made({"n": 1}, later(1), VectorClock({"a": 2}))
    less = Made({"n": 2}, later(9), VectorClock({"b": 1}))
    assert Causal().resolve(more, less).data == {"n": 1}
    assert Causal().resolve(Made({"n": 3}, later(9), VectorClock({"b": 2})), more).data == {"n": 3}


def test_the_highest_version_is_the_one_that_was_changed_more_often():
    """Then the later one."""
    assert HighestVersion().resolve(Made({"n": 1}, version=3), Made({"n": 2}, later(9), version=2)).data == {"n": 1}
    assert HighestVersion().resolve(Made({"n": 1}, version=3), Made({"n": 2}, later(9), version=3)).data == {"n": 2}


def test_a_function_is_asked_in_an_order_that_is_the_same_everywhere():
    """The earlier one, the later one, the base."""
    early, late, base = Made({"n": 1}), Made({"n": 2}, later(1)), Made({"n": 0})
    seen = []

    def decide(*given):
        seen.append(given)
        return {"n": 3}

    resolver = Custom(decide, name="sum")
    assert resolver.resolve(late, early, base).data == resolver.resolve(early, late, base).data == {"n": 3}
    assert seen == [(early, late, base), (early, late, base)]
    assert resolver.name == "sum"


def test_a_function_may_say_all_of_it():
    """Siblings and labels included."""
    early, late = Made({"n": 1}), Made({"n": 2}, later(1))
    whole = Resolution(early, {"n": 3}, {"k": "v"}, siblings=({"n": 1},))
    assert Custom(lambda *_: whole).resolve(early, late) is whole


@pytest.mark.parametrize(
    ("answer", "why"),
    [(None, "gave up"), (7, "returned 7"), (Made({"n": 9}), "returned")],
    ids=["none", "int", "third"],
)
def test_a_function_that_does_not_decide_is_told(answer, why):
    """With the state: a person has to."""
    with pytest.raises(ConflictResolutionError, match=why) as caught:
        Custom(lambda *_: answer).resolve(Made({"n": 1}), Made({"n": 2}))
    assert (caught.value.governor_id, caught.value.state_id) == ("g", "s")
    assert isinstance(caught.value, ConflictError)
    assert not caught.value.retryable


def test_what_a_function_raises_is_the_cause():
    """Its own refusal goes through as it is."""

    def fail(*_):
        raise KeyError("price")

    def refuse(*_):
        raise ConflictResolutionError("g", "s", "ask the shop")

    with pytest.raises(ConflictResolutionError, match="KeyError: 'price'") as caught:
        Custom(fail).resolve(Made(), Made({"n": 1}))
    assert isinstance(caught.value.__cause__, KeyError)
    with pytest.raises(ConflictResolutionError, match="ask the shop"):
        Custom(refuse).resolve(Made(), Made({"n": 1}))


def merged(earlier, late, base=None, **options):
    """Return the data that fields merge into, and the places that both had changed."""
    known = None if base is None else Made(base)
    resolution = MergeFields().resolve(Made(earlier, **options), Made(late, later(1), **options), known)
    return resolution.data, resolution.fields


def test_what_one_side_changed_counts():
    """With a base: a change, an addition and a removal, at any depth."""
    base = {"a": 1, "b": 1, "c": {"x": 1, "y": 1}, "d": 1}
    assert merged(
        {"a": 2, "b": 1, "c": {"x": 2, "y": 1}, "d": 1}, {"a": 1, "b": 1, "c": {"x": 1, "y": 3}, "e": 5}, base
    ) == (
        {"a": 2, "b": 1, "c": {"x": 2, "y": 3}, "e": 5},
        (),
    )


def test_what_both_changed_is_the_later_one_s_and_told():
    """By its place; a change counts more than a removal."""
    base = {"a": {"n": 1}, "b": 1, "c": 1}
    assert merged({"a": {"n": 2}, "b": 2}, {"a": {"n": 3}, "c": 3}, base) == (
        {"a": {"n": 3}, "b": 2, "c": 3},
        ("a.n", "b", "c"),
    )


def test_both_alike_is_no_conflict():
    """Though neither is as the base."""
    assert merged({"a": 2}, {"a": 2}, {"a": 1}) == ({"a": 2}, ())


def test_without_a_base_all_is_kept_and_what_differs_is_told():
    """Nobody knows who changed it, nor whether a field was removed."""
    assert merged({"a": 1, "b": 1}, {"a": 2, "c": 3}) == ({"a": 2, "b": 1, "c": 3}, ("a",))


def test_values_of_one_kind_are_compared_as_they_are_stored():
    """1 and true are two, though Python takes them for one."""
    assert merged({"a": True}, {"a": 1}, {"a": 1}) == ({"a": True}, ())


@given(DATA, DATA)
def test_who_changed_nothing_is_in_nobody_s_way(base, changed):
    """The other side's data comes out as it is, on either side."""
    assert merged(base, changed, base) == (changed, ())
    assert merged(changed, base, base) == (changed, ())


def test_the_status_is_that_of_the_side_that_changed_it():
    """Of both, the later one's."""
    base = Made(status="new")
    early, late = Made(status="paid"), Made(status="new", timestamp=later(1))
    assert MergeFields().resolve(early, late, base).status == "paid"
    assert MergeFields().resolve(early, late).status == "new"


def test_a_state_that_one_side_deleted_and_the_other_changed_is_there():
    """A deletion of both is one."""
    gone, there = Made(deleted=True, timestamp=later(1)), Made({"n": 1})
    assert MergeFields().resolve(gone, there).source is there
    assert MergeFields().resolve(gone, Made(deleted=True)).deleted is True


def test_counters_in_the_data_are_merged_as_such():
    """Nothing that either side counted is lost."""
    base = GCounter().increment("a", 5)
    early, late = base.increment("a", 2), base.increment("b", 4)
    data, fields = merged(*({"n": count.to_data()} for count in (early, late, base)))
    assert (GCounter.from_data(data["n"]).value, fields) == (11, ())


def test_data_that_is_no_map_is_not_merged():
    """It is told, not guessed."""
    with pytest.raises(InvalidDataError, match="not list"):
        merged([1], [2])
