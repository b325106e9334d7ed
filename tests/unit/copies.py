"""What is equal and another object, as everything is that comes from a store."""


def copied(text: str) -> str:
    """Return *text* again; of one letter Python has one object only."""
    return text[:1] + text[1:]
