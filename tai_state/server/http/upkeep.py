"""What checks and repairs do in the background, whoever began them: a request, or a form of the console."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from tai_state import async_recover, async_verify, change_context
from tai_state.server.http.background import Operation

if TYPE_CHECKING:
    from tai_state.server.http.service import Service

Work = Callable[[Operation], Awaitable[None]]


def checking(service: "Service", governor_id: str | None, state_id: str | None = None) -> Work:
    """Return what holds states against their logs: those of one governor, or of all; nothing is written."""

    async def work(operation: Operation) -> None:
        progress = service.background.progress(operation)
        async for report in async_verify(service.store, governor_id, state_id, progress=progress):
            operation.take(report, is_sound=report.is_consistent)

    return work


def repairing(
    service: "Service",
    governor_id: str | None,
    *,
    actor: str,
    is_dry_run: bool,
    reason: str = "",
    context: Mapping[str, Any] | None = None,
) -> Work:
    """Return what repairs states, or tells what it would do; *actor* and *reason* stand in the audit."""

    async def work(operation: Operation) -> None:
        progress = service.background.progress(operation)
        with change_context(changed_by=actor, reason=reason, context=context):
            found = async_recover(service.store, governor_id, dry_run=is_dry_run, actor=actor, progress=progress)
            async for report in found:
                operation.take(report, is_sound=not report.repaired and not report.unresolved)

    return work
