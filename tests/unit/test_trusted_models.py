"""Models that the package makes itself are the same as those that pydantic makes."""

import copy
import pickle

import pytest

from tai_state import ChangeMetadata

VALUES = {"changed_by": "anna", "reason": "", "parent_version": 3, "context": {"ticket": 7}}


def test_a_trusted_model_equals_a_checked_one() -> None:
    """It has the same fields, the same set of given fields and the same text."""
    trusted, checked = ChangeMetadata.trusted(**VALUES), ChangeMetadata(**VALUES)
    assert trusted == checked
    assert trusted.model_fields_set == checked.model_fields_set
    assert repr(trusted) == repr(checked)
    assert trusted.model_dump() == checked.model_dump()


@pytest.mark.parametrize("through", [copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_trusted_model_can_be_copied_and_pickled(through) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
    """It goes through copy, deepcopy and pickle unchanged."""
    trusted = ChangeMetadata.trusted(**VALUES)
    assert through(trusted) == trusted


def test_a_trusted_model_is_frozen() -> None:
    """Its fields cannot be assigned."""
    trusted = ChangeMetadata.trusted(**VALUES)
    with pytest.raises(ValueError, match="frozen"):
        trusted.changed_by = "eve"  # type: ignore[misc]
