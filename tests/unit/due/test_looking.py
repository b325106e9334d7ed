"""Where workers look, and how long they leave alone what could not be done."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tai_state.layout import state_layout
from tai_state.rules.due.keys import due_key, key_again, shard_key
from tai_state.rules.due.looking import backoff_seconds


@pytest.mark.parametrize(
    ("tries", "least", "most"), [(0, 0.5, 1.0), (1, 1.0, 2.0), (3, 4.0, 8.0), (9, 150.0, 300.0), (10**9, 150.0, 300.0)]
)
def test_the_wait_doubles_with_each_try(tries, least, most):
    """Up to five minutes; a half of it is at random."""
    assert backoff_seconds(tries, 0.0) == least
    assert backoff_seconds(tries, 1.0) == most
    assert backoff_seconds(tries, 0.5) == (least + most) / 2


@given(st.text(min_size=1, max_size=9), st.integers(1, 40))
def test_a_state_is_looked_for_under_one_of_the_keys(state_id, shards):
    """Of which there are as many as its workers look among."""
    key = due_key("id", "orders", state_layout("g", f"s{state_id}"), shards)
    assert key in {shard_key("id", "orders", number) for number in range(shards)}


def test_states_are_spread_among_the_keys():
    """And one that is written again has the first one, which is always looked at."""
    keys = [due_key("id", "orders", state_layout("g", f"s{number}"), 4) for number in range(100)]
    assert {key for key, _ in itertools.groupby(sorted(keys))} == {f"id:orders:{number}" for number in range(4)}
    assert key_again("id", "orders") == "id:orders:0"
    # Kept in documents: the same in every process, and in every release.
    assert due_key("id", "orders", state_layout("g", "s1"), 64) == "id:orders:56"
