"""Waiting for an emulator: until it answers, or until its log says why it never will."""

from collections.abc import Callable
from typing import BinaryIO

from tai_state._platform.tasks import sleep
from tai_state.clock import Deadline, SystemClock
from tai_state.errors import ConfigurationError, StoreUnavailableError
from tai_state.testing.firestore_emulator.endpoint import EmulatorEndpoint
from tai_state.testing.firestore_emulator.installation import HOW_TO_GET_JAVA
from tai_state.testing.firestore_emulator.java import PortTakenError
from tai_state.testing.firestore_emulator.log import log_tail, log_text

START_TIMEOUT_SECONDS = 60.0
# Each means of stopping gets this long before the next, harsher one.
STOP_STEP_SECONDS = 5.0

_POLL_SECONDS = 0.05
# An emulator whose log no longer says that it listens is believed after this many seconds of answering.
_UNCONFIRMED_SECONDS = 20.0

_clock = SystemClock()


def wait_until_ready(
    endpoint: EmulatorEndpoint, log: BinaryIO, *, alive: Callable[[], bool], timeout_seconds: float
) -> None:
    """Return once the emulator that writes *log* answers at *endpoint*.

    Raises:
        PortTakenError: Its port belongs to somebody else.
        ConfigurationError: Its jar needs a newer Java.
        StoreUnavailableError: It died, or *timeout_seconds* passed.
    """
    deadline = Deadline(_clock, timeout_seconds)
    unconfirmed: Deadline | None = None
    while not deadline.passed:
        if not alive():
            _raise_for_dead(log)
        if endpoint.answers():
            unconfirmed = unconfirmed or Deadline(_clock, _UNCONFIRMED_SECONDS)
            # An answer alone may be a foreign server's that took our port, while our Java has yet to fail.
            confirmed = f"http://{endpoint.host}" in log_text(log)
            if confirmed or unconfirmed.passed:
                return
        sleep(_POLL_SECONDS)
    raise StoreUnavailableError(f"the Firestore emulator did not answer within {timeout_seconds:g} s:\n{log_tail(log)}")


def _raise_for_dead(log: BinaryIO) -> None:
    said = log_text(log)
    if "BindException" in said or "Address already in use" in said:
        raise PortTakenError
    if "UnsupportedClassVersionError" in said:
        raise ConfigurationError(
            f"this Firestore emulator needs a newer Java. {HOW_TO_GET_JAVA}\nIt said:\n{log_tail(log)}"
        )
    raise StoreUnavailableError(f"the Firestore emulator died while starting:\n{log_tail(log)}")


def wait_until(condition: Callable[[], bool], timeout_seconds: float) -> bool:
    """Poll *condition* until it holds; return False when it still does not after *timeout_seconds*."""
    deadline = Deadline(_clock, timeout_seconds)
    while not condition():
        if deadline.passed:
            return False
        sleep(_POLL_SECONDS)
    return True
