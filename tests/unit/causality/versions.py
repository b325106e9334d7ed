"""Versions of a state, as resolvers look at them, and all that there may be of them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tai_state.causality import VectorClock

NOW = datetime(2024, 2, 29, tzinfo=UTC)


@dataclass(frozen=True)
class Made:
    """A version."""

    data: Any = field(default_factory=dict)
    timestamp: datetime = NOW
    causality: VectorClock = field(default_factory=VectorClock)
    version: int = 1
    status: str = ""
    deleted: bool = False
    labels: Any = field(default_factory=dict)
    last_error: str | None = None
    governor_id: str = "g"
    state_id: str = "s"


def later(seconds):
    """Return a time."""
    return NOW + timedelta(seconds=seconds)


LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(0, 2), st.sampled_from("xy"), st.lists(st.integers(0, 1), max_size=2)
)
DATA = st.dictionaries(
    st.sampled_from("abc"),
    st.recursive(LEAVES, lambda inner: st.dictionaries(st.sampled_from("ab"), inner, max_size=2)),
    max_size=3,
)
VERSIONS = st.builds(
    Made,
    data=DATA,
    timestamp=st.integers(0, 1).map(later),
    causality=st.dictionaries(st.sampled_from("ab"), st.integers(0, 2)).map(VectorClock),
    version=st.integers(1, 2),
    status=st.sampled_from(["new", "paid"]),
    deleted=st.booleans(),
    labels=st.dictionaries(st.sampled_from("kl"), st.sampled_from("vw"), max_size=2),
)
