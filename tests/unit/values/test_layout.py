"""The escape of ids: reversible, injective, and no id's range holding another's."""

import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tai_state.errors import InvalidIdError
from tai_state.layout import (
    ID_BYTES_MAX,
    OwnGovernor,
    check_id,
    escape,
    governor_of,
    state_layout,
    state_of,
    unescape,
    versioned,
)

STATE_PATHS = state_layout("a/b", "é@1")

hostile = st.sampled_from((
    *("a", "A", "a-1", "a_", "_", "__", "___", "____", "__x__", "__:__", "__é__", "%", "%41", "%5F", "a%", "a@", "a@3"),
    *("a/b", ".", "..", "é", "e\u0301", "🙂", "\0", "\n", " ", "~", "a@0000000000000000001", "a:b", "aA", "a0"),
    *("K", "\u212a"),
))  # fmt: skip
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
ids = (texts | hostile | st.lists(hostile, min_size=1, max_size=3).map("".join)).filter(
    lambda text: len(text.encode()) <= ID_BYTES_MAX
)
versions = st.integers(0, 2**62)


@given(ids)
def test_an_id_comes_back(value):
    """Escape is undone by unescape."""
    assert unescape(escape(value)) == value


@given(ids, ids)
def test_distinct_ids_have_distinct_forms(one, other):
    """Even where they differ by case, by form of a letter, or look escaped already."""
    assert (escape(one) == escape(other)) == (one == other)


@given(ids)
def test_a_stored_id_is_safe_everywhere(value):
    """ASCII letters, digits, "-", "_" and "%XX"; never reserved; at most three times as long."""
    stored = escape(value)
    assert re.fullmatch(r"(?:[A-Za-z0-9_-]|%[0-9A-F]{2})+", stored)
    assert not re.fullmatch(r"__.*__", stored)
    assert len(stored) <= 3 * ID_BYTES_MAX


@pytest.mark.parametrize("value", ["a", "Az09-_", "_x_", "__x", "x__", "-", "_", "a-b_c", "___x"])
def test_a_plain_id_is_stored_as_it_is(value):
    """So that a person finds it in the console."""
    assert escape(value) == value


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ("__x__", "%5F_x__"),
        ("____", "%5F___"),
        ("a/b", "a%2Fb"),
        ("..", "%2E%2E"),
        ("x@3", "x%403"),
        ("état 1", "%C3%A9tat%201"),
        ("🙂", "%F0%9F%99%82"),
        ("%41", "%2541"),
        ("\0", "%00"),
        ("a:b", "a%3Ab"),
    ],
)
def test_stored_forms_never_change(value, stored):
    """Documents are found by them."""
    assert escape(value) == stored
    assert unescape(stored) == value


@given(ids, ids, versions, versions)
def test_no_range_holds_anothers_documents(one, other, low, high):
    """A state's events lie between its first and last possible id, and nobody else's do."""
    if one == other:
        return
    start, stop = versioned(escape(one), 0), f"{escape(one)}A"
    for version in (low, high):
        assert start <= versioned(escape(one), version) < stop
        assert not start <= versioned(escape(other), version) < stop


@given(ids, versions, versions)
def test_documents_sort_as_their_versions(value, low, high):
    """By text as by number."""
    assert (versioned(escape(value), low) < versioned(escape(value), high)) == (low < high)
    assert versioned(escape(value), low) == f"{escape(value)}@{low:019d}"


@pytest.mark.parametrize(
    "stored",
    ["", "%", "%4", "%41", "%e9", "%C3", "%FF", "a.b", "a/b", "a@1", "é", "__x__", "%5Fx", "%5F_x_", "a%2f",
     "%61", "%C0%80", "%ED%A0%80", "a" * 481, "a\n"],
    ids=ascii,
)  # fmt: skip
def test_what_escape_never_makes_is_refused(stored):
    """A document with such an id is somebody else's."""
    with pytest.raises(InvalidIdError) as caught:
        unescape(stored)
    assert caught.value.value == stored


@given(st.text(st.sampled_from("aA_-%0123456789ABCDEFx@./"), max_size=12))
def test_every_stored_text_is_refused_or_its_own_form(stored):
    """There is one stored form of each id, and no second one is read."""
    try:
        value = unescape(stored)
    except InvalidIdError:
        return
    assert escape(value) == stored


@pytest.mark.parametrize("value", ["", "x" * 481, "é" * 241, "\ud800", "a\udfff", None, 1, b"x", ["x"]], ids=ascii)
def test_what_is_no_id_is_refused(value):
    """The error carries what was given, and its message can be encoded."""
    for call in (check_id, escape, lambda given: state_layout("g", given), lambda given: state_layout(given, "s")):
        with pytest.raises(InvalidIdError) as caught:
            call(value)
        assert caught.value.value == value
        str(caught.value).encode()


def test_480_bytes_are_the_most():
    """Of UTF-8, not of characters."""
    for value in ("x" * 480, "é" * 240, "🙂" * 120):
        assert unescape(escape(value)) == value


@given(ids, ids, ids, ids)
def test_receipts_of_different_states_or_keys_are_different(state, key, other_state, other_key):
    """The digest keeps ("ab", "c") and ("a", "bc") apart."""
    one = state_layout("g", state).receipt(key)
    other = state_layout("g", other_state).receipt(other_key)
    assert (one == other) == ((state, key) == (other_state, other_key))


def test_the_receipts_of_a_state_never_move():
    """A key is found again by them."""
    path = state_layout("g", "s").receipt("k")
    assert str(path) == ("governors/g/receipts/1e99d8fbccb9c2d1af73b473e39489244a69f0ae1cdc73971144c55d8b30c68a")


def test_where_things_live():
    """The paths of one state, as the design draws them."""
    paths = state_layout("a/b", "x@3")
    assert str(paths.state) == "governors/a%2Fb/states/x%403"
    assert str(paths.event(7)) == "governors/a%2Fb/events/x%403@0000000000000000007"
    assert str(paths.snapshot(100)) == "governors/a%2Fb/snapshots/x%403@0000000000000000100"
    assert str(paths.segment(1)) == "governors/a%2Fb/segments/x%403@0000000000000000001"
    assert (paths.governor_id, paths.state_id, paths.stored_id) == ("a/b", "x@3", "x%403")


@pytest.mark.parametrize(
    ("path", "ids"),
    [
        (STATE_PATHS.state, ("a/b", "é@1")),
        (STATE_PATHS.event(7), ("a/b", "é@1")),
        (STATE_PATHS.snapshot(7), ("a/b", "é@1")),
        (STATE_PATHS.segment(7), ("a/b", "é@1")),
        (STATE_PATHS.receipt("k"), ("a/b", "")),
        ("tai/meta", ("", "")),
        ("locks/a", ("", "")),
        ("governors/a%ZZ/states/s", ("", "")),
        ("", ("", "")),
    ],
    ids=str,
)
def test_a_path_tells_whose_document_it_is(path, ids):
    """As far as it can: the id of a receipt is a digest, and a stranger's document is nobody's."""
    assert state_of(str(path)) == ids


@given(ids)
def test_a_governor_of_the_packages_own_meets_none_of_a_users(name):
    """Whatever a user calls his: not even one with the text of ours is stored where ours is."""
    own = OwnGovernor("keys", name[:100])
    theirs = state_layout(str.__str__(own), "s")
    assert own == theirs.governor_id
    assert state_layout(own, "s").state.collection.startswith("governors/~keys:")
    assert theirs.state.collection.startswith("governors/%7Ekeys%3A")


@given(ids)
def test_a_governor_of_the_packages_own_is_found_by_its_paths(name):
    """And by a copy of it, such as another process gets."""
    own = OwnGovernor("keys", name[:100])
    paths = state_layout(own, "a/b")
    governor_id, state_id = state_of(str(paths.state))
    assert (type(governor_id), governor_id, state_id) == (OwnGovernor, own, "a/b")
    assert state_layout(pickle.loads(pickle.dumps(own)), "a/b").state == paths.state
    assert (own.kind, own.name) == ("keys", name[:100])


@pytest.mark.parametrize(("kind", "name"), [("jobs", "a"), ("", "a"), ("keys", ""), ("keys", "x" * ID_BYTES_MAX)])
def test_a_governor_of_the_packages_own_has_a_kind_and_a_name(kind, name):
    """Of kinds that there are, and a name that can be part of an id."""
    with pytest.raises(InvalidIdError):
        OwnGovernor(kind, name)


@pytest.mark.parametrize("stored", ["~", "~keys", "~keys:", "~other:a", "~keys:a/b", "~keys:%41"])
def test_what_we_never_stored_is_no_governor(stored):
    """Somebody else wrote it."""
    with pytest.raises(InvalidIdError):
        governor_of(stored)
