"""Models that the package makes itself are the same as those that pydantic makes."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from tai_state import ChangeMetadata
from tai_state.rules.records.record import trusted

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
