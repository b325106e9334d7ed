"""Public values that this package makes of what it knows to be sound: nothing of them is checked again."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tai_state.models import Model


def trusted(model: type["Model"], **values: Any) -> Any:
    """Return a *model* of values that this package made: every field is given, and none is checked.

    What ``model_construct`` does, without its look at aliases and defaults: a transition makes seven models,
    and that look took a tenth of its time.
    """
    # Past the model's own freezing, which guards users and would cost a check a field here.
    made = model.__new__(model)
    for name, value in (
        ("__dict__", values),
        ("__pydantic_fields_set__", set(values)),
        ("__pydantic_extra__", None),
        ("__pydantic_private__", None),
    ):
        object.__setattr__(made, name, value)
    return made
