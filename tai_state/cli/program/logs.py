"""What commands that run for long log on stderr, as the settings say."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tai_state.settings.model import TelemetrySettings


@contextmanager
def writing_logs(settings: "TelemetrySettings") -> Iterator[None]:
    """Write the package's log records to stderr meanwhile: none, as text, or as JSON that Cloud Logging takes apart."""
    if settings.logs == "none":
        yield
        return
    handler = logging.StreamHandler()
    if settings.logs == "json":
        from tai_state.telemetry.logs import CloudLoggingFormatter  # noqa: PLC0415 - few ask for it

        handler.setFormatter(CloudLoggingFormatter())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log = logging.getLogger("tai_state")
    level = log.level
    log.addHandler(handler)
    log.setLevel(settings.level)
    try:
        yield
    finally:
        log.setLevel(level)
        log.removeHandler(handler)
