"""A machine with timeouts, a place in memory whose clock stands still, and what is due there."""

from datetime import timedelta

from tai_state import Machine, Transition
from tai_state.due import Timeout
from tai_state.layout import state_layout

BOOT, RUN = timedelta(seconds=30), timedelta(minutes=5)
PATHS = state_layout("g", "s")


def never(*_):
    """Refuse, as a guard."""
    return False


def broken(*_):
    """Raise, as a guard that is a mistake."""
    raise RuntimeError("the guard is broken")


MOVES: list[Transition] = [
    Transition("run", "boot", "running"),
    Transition("beat", "running", "running", apply=lambda data, _: {**data, "n": 1}),
    Transition("stop", "running", "stopped"),
    Transition("fail", ("boot", "running"), "failed"),
    Transition("retry", "failed", "boot"),
    Transition("refuse", "boot", "running", guard=never),
    Transition("break", "boot", "running", guard=broken),
]
SERVER = Machine("server", "boot", MOVES, timeouts={"boot": Timeout(BOOT, "fail"), "running": Timeout(RUN, "stop")})


async def async_kinds_of(persister, state_id="s"):
    """Return the kinds and actions of a state's events."""
    return [(event.kind, event.action) async for event in persister.history("g", state_id)]


async def async_status_of(persister, state_id="s"):
    """Return a state's status."""
    return (await persister.load_state("g", state_id)).snapshot.status
