"""What the service logs: a line of JSON for each record, as Cloud Logging takes it apart."""

import logging
import os

from tai_state.telemetry.logs import CloudLoggingFormatter


def log_as_json() -> None:
    """Write records to standard error, from $LOG_LEVEL on (INFO); does nothing where somebody else has said how.

    The servers write what is their own in their own way.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(CloudLoggingFormatter(os.environ.get("GOOGLE_CLOUD_PROJECT")))
    logging.basicConfig(level=os.environ.get("LOG_LEVEL", "INFO").upper(), handlers=[handler])
