"""What a callback returned, in each colour."""

from inspect import isawaitable

from tai_state.adapters.moving import is_asked_for_later


async def async_finish(result: object) -> None:
    """Wait for what a callback of another library returned, if it has to be waited for."""
    if isawaitable(result):
        await result


def finish(result: object) -> None:
    """Take what a callback of another library returned.

    Raises:
        TypeError: It has to be waited for.
    """
    if is_asked_for_later(result):
        message = "a callback is async: open an async store"
        raise TypeError(message)
