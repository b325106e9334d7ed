"""What a future gives, in both colours."""

_SECONDS = 60


async def async_outcome(future):
    """Wait for a future of asyncio, and return its result, or raise its error."""
    return await future


def outcome(future):
    """Do so with a future of a thread."""
    return future.result(_SECONDS)
