"""Using the emulator that runs already, or one of our own where none does."""

import contextlib
import logging
import os
from collections.abc import Iterator
from typing import Unpack

from tai_state.testing.firestore_emulator.endpoint import HOST_VARIABLE, EmulatorEndpoint
from tai_state.testing.firestore_emulator.java import EmulatorOptions
from tai_state.testing.firestore_emulator.process import Emulator

logger = logging.getLogger(__name__)


@contextlib.contextmanager
def obtain_emulator(**options: Unpack[EmulatorOptions]) -> Iterator[EmulatorEndpoint]:
    """Yield the emulator that ``FIRESTORE_EMULATOR_HOST`` names if it answers, else one of our own.

    Raises:
        ConfigurationError: One must be started and cannot be.
        StoreUnavailableError: The one started died or did not answer in time.
    """
    named = os.environ.get(HOST_VARIABLE)
    if named:
        endpoint = EmulatorEndpoint(named)
        if endpoint.answers():
            yield endpoint
            return
        logger.warning("%s names %s, where nothing answers; starting another emulator", HOST_VARIABLE, named)
    with Emulator(**options) as own:
        yield own


@contextlib.contextmanager
def emulator(**options: Unpack[EmulatorOptions]) -> Iterator[EmulatorEndpoint]:
    """Yield a running emulator, with ``FIRESTORE_EMULATOR_HOST`` naming it inside the ``with``.

    One that the variable names already and that answers is used as it is, and left running.
    The raised errors are those of ``obtain_emulator``.
    """
    with obtain_emulator(**options) as endpoint:
        before = os.environ.get(HOST_VARIABLE)
        os.environ[HOST_VARIABLE] = endpoint.host
        try:
            yield endpoint
        finally:
            if before is None:
                os.environ.pop(HOST_VARIABLE, None)
            else:
                os.environ[HOST_VARIABLE] = before
