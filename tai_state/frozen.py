"""Values that nobody changes once they are made, and that are quick to make.

Python's own frozen dataclass sets each field past its own guard, which takes ten times as long as setting it: a change
makes a dozen such values with a hundred and thirty fields, and a sixth of its time went there. So what this package
alone makes and reads is frozen by the type checkers, which see a frozen dataclass; at run time it is a plain one.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as quick_dataclass
else:
    from dataclasses import dataclass

    def quick_dataclass(*, frozen: bool, slots: bool, **options: Any) -> Any:
        """Return what makes a dataclass of a class, compared and hashed by value as a frozen one is."""
        assert frozen
        return dataclass(slots=slots, unsafe_hash=True, **options)


__all__ = ["quick_dataclass"]
