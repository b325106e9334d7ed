"""What a user's function answered: data, or a bool, and nothing that merely counts as true."""

from collections.abc import AsyncIterator, Awaitable, Coroutine, Generator, Iterator

from tai_state.errors import InvalidDataError
from tai_state.machine.transition import DataT, Transition


def check_applied(transition: Transition[DataT], applied: object) -> None:
    """Check what the apply of *transition* returned in place of the data.

    Raises:
        InvalidDataError: It is None, a coroutine or the like.
    """
    if defect := returned_defect(applied):
        message = f"apply {transition.apply_name!r} of action {transition.action!r} {defect}; it must return the data"
        raise InvalidDataError(message, path="data")


def returned_defect(value: object) -> str | None:
    """Return what is wrong with *value* as the result of any function of a user's; None when nothing is.

    Coroutines, generators and NotImplemented count as true: what is not looked at lets everything pass.
    """
    if type(value) is dict:
        return None
    if isinstance(value, Coroutine | Generator):
        # Nobody is going to run it; left alone it would warn of that from wherever it is collected.
        value.close()
    if value is None or value is NotImplemented:
        return f"returned {value}"
    if isinstance(value, Awaitable | Iterator | AsyncIterator):
        return f"returned a {type(value).__name__}"
    return None


def verdict(value: object) -> bool:
    """Return what a condition of a user's answered.

    Raises:
        TypeError: It is no bool; says what it is.
    """
    if type(value) is not bool:
        message = f"{returned_defect(value) or f'returned a {type(value).__name__}'}; it must return a bool"
        raise TypeError(message)
    return value
