"""What a governor holds and costs, counted over every document of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tai_state._async.runtime import readable_state
from tai_state.layout import GovernorLayout
from tai_state.rules.history.damaged import Damaged
from tai_state.rules.history.segments import events_alone
from tai_state.rules.history.usage import Tally, Usage

if TYPE_CHECKING:
    from collections.abc import Callable

    from tai_state._async.runtime import AsyncRuntime
    from tai_state.clock import Span
    from tai_state.config import Maintenance
    from tai_state.models import StoreUsage

KINDS = ("states", "events", "snapshots", "segments", "branches", "receipts", "audit", "quarantine")
"""The collections of a governor."""


async def async_usage(
    runtime: AsyncRuntime,
    governor_id: str,
    maintenance: Maintenance,
    *,
    progress: Callable[[int], None] | None,
    timeout: Span,
) -> StoreUsage:
    """Read every document of a governor, in bounded memory, and return what they add up to."""
    governor = GovernorLayout(governor_id)
    usage, tally, damaged = Usage(), Tally(governor_id), Damaged(governor_id)
    read = 0
    for kind in KINDS:
        usage.begin(kind)
        found = runtime.access.scan(getattr(governor, kind), timeout=timeout)
        async for document in runtime.inflight.reading(found, "usage", governor_id):
            read += 1
            if progress is not None:
                progress(read)
            usage.add(kind, document)
            if kind == "events":
                usage.add_event(document.fields.get("timestamp"), document.fields.get("idempotency_key"))
            elif kind == "segments":
                for event in events_alone(document, governor_id):
                    usage.add_event(event.timestamp, event.idempotency_key)
            elif kind == "states":
                record = readable_state(document, governor_id, damaged)
                if record is not None:
                    tally.add(record)
    damaged.tell(damaged=False)
    return usage.total(tally.stats(damaged, runtime.conflicts), tally, maintenance.snapshot_interval)
