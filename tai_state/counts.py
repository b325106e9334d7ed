"""Numbers of things, as messages tell them."""


def counted(count: int, one: str, many: str = "") -> str:
    """Return a number with its noun: ``1 state``, ``2,000 states``; *many* where an "s" does not make the plural."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"
