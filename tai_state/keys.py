"""Keys: values by name, changed by atomic operations, each one change with its event.

``Keys(store, group)``: ``get``, ``set``, ``update``, ``increment``, ``compare_and_swap``, lists, sets and fields;
``items`` with filters; ``transaction`` for several operations, all or none, and ``batch`` for several, each for itself:
values such as ``Increment("n", 1)``, which ``op_from_json`` reads from what ``to_json`` gave. ``ABSENT`` stands for no
value.
"""

from typing import TYPE_CHECKING

from tai_state.late import late_names

if TYPE_CHECKING:
    from tai_state._async.keys.keys import AsyncKeys
    from tai_state._sync.keys.keys import Keys
    from tai_state.errors import KeyMismatchError, KeyTransactionError, KeyTypeError
    from tai_state.layout import OwnGovernor
    from tai_state.models.keys import ABSENT, OpResult
    from tai_state.rules.keys.field_ops import DeleteField, SetField
    from tai_state.rules.keys.json_form import op_from_json
    from tai_state.rules.keys.list_ops import AddToSet, Pop, Push, RemoveFromSet, Shift, Unshift
    from tai_state.rules.keys.op import KeyOp
    from tai_state.rules.keys.plain_ops import (
        CompareAndSwap,
        Decrement,
        Delete,
        Exists,
        Get,
        Increment,
        Set,
        Update,
    )

HOMES: dict[str, tuple[str, ...]] = {
    "tai_state._async.keys.keys": ("AsyncKeys",),
    "tai_state._sync.keys.keys": ("Keys",),
    "tai_state.errors": ("KeyMismatchError", "KeyTransactionError", "KeyTypeError"),
    "tai_state.layout": ("OwnGovernor",),
    "tai_state.models.keys": ("ABSENT", "OpResult"),
    "tai_state.rules.keys.field_ops": ("DeleteField", "SetField"),
    "tai_state.rules.keys.json_form": ("op_from_json",),
    "tai_state.rules.keys.list_ops": ("AddToSet", "Pop", "Push", "RemoveFromSet", "Shift", "Unshift"),
    "tai_state.rules.keys.op": ("KeyOp",),
    "tai_state.rules.keys.plain_ops": (
        "CompareAndSwap",
        "Decrement",
        "Delete",
        "Exists",
        "Get",
        "Increment",
        "Set",
        "Update",
    ),
}
"""The names that each module defines: who works with one colour waits for no other."""

__all__ = [
    "ABSENT",
    "AddToSet",
    "AsyncKeys",
    "CompareAndSwap",
    "Decrement",
    "Delete",
    "DeleteField",
    "Exists",
    "Get",
    "Increment",
    "KeyMismatchError",
    "KeyOp",
    "KeyTransactionError",
    "KeyTypeError",
    "Keys",
    "OpResult",
    "OwnGovernor",
    "Pop",
    "Push",
    "RemoveFromSet",
    "Set",
    "SetField",
    "Shift",
    "Unshift",
    "Update",
    "op_from_json",
]

if not TYPE_CHECKING:  # A type checker would take it for a promise of any name.
    __getattr__ = late_names(__name__, HOMES)

    def __dir__() -> list[str]:
        """List what has not been imported yet, too."""
        return sorted({*globals(), *__all__})
