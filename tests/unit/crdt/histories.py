"""Replicas of one value that change, and that tell each other of it, or do not."""

from datetime import UTC, datetime

from hypothesis import strategies as st

from tai_state.crdt import GCounter, LWWMap, LWWRegister, MVRegister, ORSet, PNCounter

NODES = "abc"
VALUES = st.sampled_from(["x", "y", 1, {"k": [1, "z"]}, None])
TIMES = st.none() | st.integers(0, 3).map(lambda second: datetime(2024, 1, 1, 0, 0, second, tzinfo=UTC))
COUNTS = st.integers(0, 3)
ITEMS = st.sampled_from(["x", "y", 1])
KEYS = st.sampled_from("kl")


def changed(name, *given, **named):
    """Return a change, of a value by a node."""
    return lambda value, node: getattr(value, name)(node, *given, **named)


CHANGES = {
    GCounter: st.builds(lambda by: changed("increment", by), COUNTS),
    PNCounter: st.builds(changed, st.sampled_from(["increment", "decrement"]), COUNTS),
    LWWRegister: st.builds(lambda value, at: changed("set", value, at=at), VALUES, TIMES),
    MVRegister: st.builds(lambda value: changed("set", value), VALUES),
    ORSet: st.builds(lambda item: changed("add", item), ITEMS)
    | st.builds(lambda item: lambda value, _: value.remove(item), ITEMS),
    LWWMap: st.builds(lambda key, value, at: changed("set", key, value, at=at), KEYS, VALUES, TIMES)
    | st.builds(lambda key, at: changed("remove", key, at=at), KEYS, TIMES),
}
"""What may happen to a value of each type."""

KINDS = list(CHANGES)


@st.composite
def histories(draw, kind):
    """Return the replicas of one value, one for each node, after changes and messages between them."""
    replicas = dict.fromkeys(NODES, kind())
    for _ in range(draw(st.integers(0, 12))):
        node = draw(st.sampled_from(NODES))
        if draw(st.booleans()):
            replicas[node] = draw(CHANGES[kind])(replicas[node], node)
        else:
            other = replicas[draw(st.sampled_from(NODES))]
            replicas[node] = replicas[node].merge(other.delta(replicas[node]) if draw(st.booleans()) else other)
    return [replicas[node] for node in NODES]
