"""What a monitor counted, as a text that Prometheus reads: its exposition format, version 0.0.4."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

OF_AN_OPERATION = {
    "commits": "Requests to commit, those that were sent again included.",
    "conflicts": "Commits that were refused, because somebody else had changed what they rest on.",
    "unavailable": "Requests that the store did not take.",
    "ambiguous": "Commits that ended without a verdict.",
    "ambiguous_resolved": "Those of them of which it became known in the end what they did.",
    "carried": "Changes that another caller's commit made.",
}
BILLED = {
    "documents_read": "Documents read, missing ones included.",
    "documents_written": "Documents written, or checked by a commit.",
    "documents_deleted": "Documents deleted.",
    "bytes_written": "Bytes in acknowledged commits, about.",
}


def as_text(counted: Mapping[str, Any]) -> str:
    """Return *counted*, what ``Monitor.as_dict`` gives, without the id of any state, governor or lock."""
    return "".join(f"{line}\n" for line in _lines(counted))


def _lines(counted: Mapping[str, Any]) -> Iterator[str]:
    operations = counted["operations"]
    yield from _head("operations_total", "counter", "Operations that have ended, by the code of their error.")
    for name, tally in operations.items():
        errors = tally["errors"]
        outcomes = {"ok": tally["seconds"]["count"] - sum(errors.values()), **errors}
        for outcome, count in outcomes.items():
            yield _sample("operations_total", count, operation=name, outcome=outcome)
    yield from _head("operation_seconds", "summary", "How long operations took; quantiles of the last 1,000.")
    for name, tally in operations.items():
        yield from _summary("operation_seconds", tally["seconds"], operation=name)
    for field, text in OF_AN_OPERATION.items():
        yield from _head(f"{field}_total", "counter", text)
        for name, tally in operations.items():
            yield _sample(f"{field}_total", tally[field], operation=name)
    yield from _head("requests_total", "counter", "Requests to the backend, those of the background included.")
    for kind, outcomes in counted["requests"].items():
        for outcome, count in outcomes.items():
            yield _sample("requests_total", count, kind=kind, outcome=outcome)
    for field, text in BILLED.items():
        yield from _head(f"{field}_total", "counter", text)
        yield _sample(f"{field}_total", counted["billed"][field])
    locks = counted["locks"]
    yield from _head("lock_hold_seconds", "summary", "For how long locks were held; quantiles of the last 1,000.")
    yield from _summary("lock_hold_seconds", locks["hold_seconds"])
    yield from _head("locks_lost_total", "counter", "Locks that were lost without being released.")
    yield _sample("locks_lost_total", locks["lost"])
    yield from _head("version_conflicts_total", "counter", "Versions that did not know of each other, met by syncs.")
    for met in counted["version_conflicts"]:
        yield _sample("version_conflicts_total", met["count"], kind=met["kind"], result=met["result"])
    yield from _head("version_conflict_storm", "gauge", "Whether 20 of them or more came within the last minute.")
    yield _sample("version_conflict_storm", int(counted["version_conflict_storm"]))


def _head(name: str, kind: str, text: str) -> Iterator[str]:
    yield f"# HELP tai_state_{name} {text}"
    yield f"# TYPE tai_state_{name} {kind}"


def _summary(name: str, seconds: Mapping[str, float], **labels: str) -> Iterator[str]:
    for key, share in (("p50", "0.5"), ("p95", "0.95"), ("p99", "0.99")):
        if key in seconds:
            yield _sample(name, seconds[key], **labels, quantile=share)
    yield _sample(f"{name}_sum", seconds["sum"], **labels)
    yield _sample(f"{name}_count", seconds["count"], **labels)


def _sample(name: str, value: float, **labels: str) -> str:
    told = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    return f"tai_state_{name}{{{told}}} {value!r}" if told else f"tai_state_{name} {value!r}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
