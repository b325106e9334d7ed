"""The part of the query language of Cloud Logging that infra/ uses, and entries as Cloud Run makes them."""

import json
import logging
import re
from typing import Any

from tai_state.telemetry.logs import CloudLoggingFormatter

_COMPARISON = re.compile(r'(?P<path>[\w.]+)(?:="(?P<equal>[^"]*)"|:(?P<there>\*))')


def matches(text: str, entry: dict[str, Any]) -> bool:
    """Whether an entry meets a filter: comparisons that are joined by AND.

    Raises:
        ValueError: It says something else.
    """
    for part in text.split(" AND "):
        found = _COMPARISON.fullmatch(part)
        if found is None:
            message = f"{part!r} is no comparison of a field"
            raise ValueError(message)
        values = list(_values(entry, found["path"].split(".")))
        # A list matches by any of its elements.
        if not (values if found["there"] else found["equal"] in values):
            return False
    return True


def _values(value: Any, path: list[str]) -> Any:
    if isinstance(value, list):
        for one in value:
            yield from _values(one, path)
    elif not path:
        yield value
    elif isinstance(value, dict) and path[0] in value:
        yield from _values(value[path[0]], path[1:])


def of_service(record: logging.LogRecord, name: str) -> dict[str, Any]:
    """Return the entry of a record of the service *name*, which writes it as a line of JSON."""
    resource = {"type": "cloud_run_revision", "labels": {"service_name": name}}
    return {"resource": resource, "jsonPayload": json.loads(CloudLoggingFormatter().format(record))}


def of_job(line: str, name: str) -> dict[str, Any]:
    """Return the entry of a line that the job *name* printed: an object of JSON is taken apart."""
    resource = {"type": "cloud_run_job", "labels": {"job_name": name}}
    try:
        return {"resource": resource, "jsonPayload": json.loads(line)}
    except ValueError:
        return {"resource": resource, "textPayload": line}
