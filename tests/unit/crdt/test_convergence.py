"""Values converge: whatever order, repetition and loss there is between those who hold them."""

import copy
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tai_state.codec import from_json, to_json
from tai_state.crdt import from_data
from tests.unit.crdt.histories import CHANGES, KINDS, NODES, histories

every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


@every_kind
@given(st.data())
def test_merges_may_come_in_any_order_and_twice(kind, data):
    """Commutative, associative and idempotent, and nothing is above what knows all."""
    one, other, third = data.draw(histories(kind))
    assert one.merge(other) == other.merge(one)
    assert one.merge(other).merge(third) == one.merge(other.merge(third))
    assert one.merge(one) == one
    assert one.merge(other).merge(one) == one.merge(other)
    assert one.merge(kind()) == kind().merge(one) == one


@every_kind
@given(st.data())
def test_a_delta_stands_for_all_of_it(kind, data):
    """To who has what it was made since, and to who has more; coming twice, it changes nothing more."""
    one, other, third = data.draw(histories(kind))
    delta = one.delta(other)
    assert other.merge(delta) == other.merge(one)
    assert other.merge(delta).merge(delta) == other.merge(one)
    assert other.merge(third).merge(delta) == other.merge(third).merge(one)
    assert kind().merge(one.delta(kind())) == one
    assert one.delta(one) == kind()


@every_kind
@settings(max_examples=60)
@given(st.data())
def test_deltas_that_are_lost_and_sent_again_out_of_order_converge(kind, data):
    """Each node sends what is new since the last one that arrived; some arrive late, some twice, some never."""
    replicas = dict.fromkeys(NODES, kind())
    told = {(node, other): kind() for node in NODES for other in NODES}
    under_way = []
    for _ in range(data.draw(st.integers(0, 15))):
        node, other = (data.draw(st.sampled_from(NODES)) for _ in range(2))
        match data.draw(st.sampled_from(["change", "send", "arrive", "lose"])):
            case "change":
                replicas[node] = data.draw(CHANGES[kind])(replicas[node], node)
            case "send":
                under_way.append((node, other, replicas[node], replicas[node].delta(told[node, other])))
            case "arrive" if under_way:
                sender, receiver, whole, delta = data.draw(st.sampled_from(under_way))
                replicas[receiver] = replicas[receiver].merge(delta)
                told[sender, receiver] = told[sender, receiver].merge(whole)
            case "lose" if under_way:
                under_way.remove(data.draw(st.sampled_from(under_way)))
    whole = replicas["a"].merge(replicas["b"]).merge(replicas["c"])
    for (node, other), known in told.items():
        replicas[other] = replicas[other].merge(replicas[node].delta(known))
    for node, other in [*told, *told]:
        replicas[other] = replicas[other].merge(replicas[node].delta(replicas[other]))
    assert {replica.merge(whole) for replica in replicas.values()} == set(replicas.values()) == {whole}


@every_kind
@given(st.data())
def test_a_value_comes_back_from_what_is_stored(kind, data):
    """Through the JSON that a store keeps, by its own type and by any; copied and pickled, too."""
    one, _, _ = data.draw(histories(kind))
    stored = from_json(to_json(one.to_data()))
    assert kind.from_data(stored) == from_data(stored) == one
    assert kind.from_data(stored).value == one.value
    assert hash(kind.from_data(stored)) == hash(one)
    assert copy.deepcopy(one) == pickle.loads(pickle.dumps(one)) == one


@every_kind
@given(st.data())
def test_a_value_never_changes(kind, data):
    """A change makes a new one."""
    one, other, _ = data.draw(histories(kind))
    before = to_json(one.to_data())
    data.draw(CHANGES[kind])(one, "a")
    one.merge(other)
    one.delta(other)
    assert to_json(one.to_data()) == before
