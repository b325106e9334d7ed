"""What is asked of keys cannot be done with the values that they have."""

from tai_state.errors.base import TaiStateError
from tai_state.errors.conflicts import ConflictError
from tai_state.errors.values import InvalidDataError


class KeyTypeError(InvalidDataError):
    """The value of a key, or what is at a path in it, is of another type than the operation needs; nothing was written.

    Attributes:
        key, op: The key, and the name of the operation.
        place: Where in the value, part by part; empty: the value itself.
        expected, found: What the operation needs there, and the type that is there.
    """

    code = "key_type"

    def __init__(self, key: str, op: str, place: tuple[str, ...], *, expected: str, found: str) -> None:
        """Say which operation needs what, where, and what is there."""
        where = "".join(f"[{part!r}]" for part in place)
        super().__init__(f"{op} needs {expected} at key {key!r}{where}, not {found}")
        self.key = key
        self.op = op
        self.place = place
        self.expected = expected
        self.found = found


class KeyMismatchError(ConflictError):
    """A compare_and_swap of a transaction found another value than it expects; nothing was written."""

    code = "key_mismatch"
    # What is expected stays wrong.
    retryable = False

    def __init__(self, key: str) -> None:
        """Say of which key."""
        super().__init__(f"key {key!r} does not have the value that compare_and_swap expects; read it, and decide anew")
        self.key = key


class KeyTransactionError(TaiStateError):
    """One operation of a transaction over keys failed; nothing of the transaction was written.

    What it failed with is its cause.

    Attributes:
        index: Which of the operations it was, from 0.
        op_id: The id that its caller gave it.
        op, key: Its name, and the key that it is about.
    """

    code = "key_transaction"

    def __init__(self, index: int, *, op: str, key: str, op_id: str | None, why: str) -> None:
        """Say which operation failed, and why."""
        super().__init__(f"operation {index} ({op} of key {key!r}) failed, and nothing was written: {why}")
        self.index = index
        self.op_id = op_id
        self.op = op
        self.key = key
