"""The threads that beat for locks, in this process."""

import threading


def heartbeats() -> set[threading.Thread]:
    """Return those that live now: of every manager, so those of locks that other tests left held are among them."""
    return {thread for thread in threading.enumerate() if thread.name.startswith("tai-lock")}
