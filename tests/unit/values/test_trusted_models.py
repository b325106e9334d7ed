"""Models that the package makes itself are the same as those that pydantic makes."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from tai_state import ChangeMetadata

VALUES: dict[str, Any] = {"changed_by": "anna", "reason": "", "parent_version": 3, "context": {"ticket": 7}}


def test_a_trusted_model_equals_a_checked_one() -> None:
    """It has the same fields, the same set of given fields and the same text."""
    trusted, checked = ChangeMetadata.trusted(**VALUES), ChangeMetadata(**VALUES)
    assert trusted == checked
    assert trusted.model_fields_set == checked.model_fields_set
    assert repr(trusted) == repr(checked)
    assert trusted.model_dump() == checked.model_dump()


def _pickled(model: ChangeMetadata) -> ChangeMetadata:
    copied: ChangeMetadata = pickle.loads(pickle.dumps(model))
    return copied


@pytest.mark.parametrize("through", [copy.copy, copy.deepcopy, _pickled])
def test_a_trusted_model_can_be_copied_and_pickled(through: Callable[[ChangeMetadata], ChangeMetadata]) -> None:
    """It goes through copy, deepcopy and pickle unchanged."""
    trusted = ChangeMetadata.trusted(**VALUES)
    assert through(trusted) == trusted


def test_a_trusted_model_is_frozen() -> None:
    """Its fields cannot be assigned."""
    trusted = ChangeMetadata.trusted(**VALUES)
    with pytest.raises(ValueError, match="frozen"):
        trusted.changed_by = "eve"
