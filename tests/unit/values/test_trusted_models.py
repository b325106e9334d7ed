"""Models that the package makes itself are the same as those that pydantic makes."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from tai_state import ChangeMetadata, StateSnapshot
from tai_state.codec import Payload
from tai_state.models import later
from tai_state.models.json_form import record_of
from tai_state.rules.records.trusted import trusted
from tests.unit.commits.made import lived

VALUES: dict[str, Any] = {"changed_by": "anna", "reason": "", "parent_version": 3, "context": {"ticket": 7}}


def test_a_trusted_model_equals_a_checked_one() -> None:
    """It has the same fields, the same set of given fields and the same text."""
    made, checked = trusted(ChangeMetadata, **VALUES), ChangeMetadata(**VALUES)
    assert made == checked
    assert made.model_fields_set == checked.model_fields_set
    assert repr(made) == repr(checked)
    assert made.model_dump() == checked.model_dump()


def _pickled(model: ChangeMetadata) -> ChangeMetadata:
    copied: ChangeMetadata = pickle.loads(pickle.dumps(model))
    return copied


@pytest.mark.parametrize("through", [copy.copy, copy.deepcopy, _pickled])
def test_a_trusted_model_can_be_copied_and_pickled(through: Callable[[ChangeMetadata], ChangeMetadata]) -> None:
    """It goes through copy, deepcopy and pickle unchanged."""
    made = trusted(ChangeMetadata, **VALUES)
    assert through(made) == made


def test_a_trusted_model_is_frozen() -> None:
    """Its fields cannot be assigned."""
    made = trusted(ChangeMetadata, **VALUES)
    with pytest.raises(ValueError, match="frozen"):
        made.changed_by = "eve"


SNAPSHOT = lived(1)[0].record.public(lambda payload: payload.value())
EVENT = lived(1)[0].event.public(lambda payload: payload.value())
LOOKS: dict[str, Callable[[Any], object]] = {
    "a field": lambda one: one.metadata,
    "all fields": lambda one: one.__dict__,
    "vars": vars,
    "repr": repr,
    "str": str,
    "iteration": dict,
    "equality": lambda one: one == SNAPSHOT,
    "equality by name": lambda one: one.__eq__(SNAPSHOT),
    "hash": hash,
    "given fields": lambda one: one.model_fields_set,
    "a dump": lambda one: one.model_dump(),
    "JSON": lambda one: one.model_dump_json(),
    "a JSON object": record_of,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "a model's copy": lambda one: one.model_copy(update={"status": "x"}),
    "pickle": lambda one: pickle.loads(pickle.dumps(one)),
    "no such field": lambda one: hasattr(one, "nothing"),
}


def late_snapshot() -> StateSnapshot:
    """Return a snapshot at which nobody has looked yet."""
    return lived(1)[0].record.public(Payload.value)


@pytest.mark.parametrize("look", LOOKS)
def test_a_late_model_is_at_the_first_look_what_it_is_later(look: str) -> None:
    """Whichever look comes first: it compares, copies, shows and dumps as one that was made at once."""
    assert LOOKS[look](late_snapshot()) == LOOKS[look](SNAPSHOT)
    assert late_snapshot() == late_snapshot()


def test_a_late_event_is_at_the_first_look_what_it_is_later() -> None:
    """Its fields, and its set of given ones."""
    late = lived(1)[0].event.public(Payload.value)
    assert late.model_fields_set == EVENT.model_fields_set
    assert (late, repr(late)) == (EVENT, repr(EVENT))


def test_a_late_model_is_made_once() -> None:
    """What a user changes of its data stays changed; and it is frozen, looked at or not."""
    calls: list[int] = []

    def fields() -> dict[str, Any]:
        calls.append(1)
        return copy.deepcopy(dict(SNAPSHOT))

    late: StateSnapshot = later(StateSnapshot, fields)
    assert calls == []
    with pytest.raises(ValueError, match="frozen"):
        setattr(late, "status", "x")  # noqa: B010 - which type checkers refuse, too
    late.data["own"] = 1
    assert late.data["own"] == 1
    assert calls == [1]


def test_a_late_model_whose_fields_cannot_be_made_says_so_at_each_look() -> None:
    """It is not taken for one without fields."""
    late: StateSnapshot = later(StateSnapshot, dict[str, Any]().popitem)  # type: ignore[arg-type]
    for _ in range(2):
        with pytest.raises(KeyError):
            assert late.status


def test_a_late_model_that_another_thread_makes_between_two_steps_of_a_look_shows_its_fields() -> None:
    """The look that found no field asks for it once more, as it does here, and there it is by then."""
    late = later(StateSnapshot, lambda: dict(SNAPSHOT))
    assert late.version == SNAPSHOT.version
    assert late.__getattr__("version") == SNAPSHOT.version
    with pytest.raises(AttributeError):
        late.__getattr__("nothing")
