"""A commit of a state's marks, and of what goes with them: the state's data and version stay as they are."""

from collections.abc import Sequence

from tai_state._async.access.access import AsyncAccess
from tai_state._async.commits.protocol import AsyncSettlement, Settled, async_commit_once
from tai_state._platform.interrupts import async_shield
from tai_state.clock import Deadline
from tai_state.documents import CommitResult, Put, Write
from tai_state.errors import OutcomeUnknownError
from tai_state.layout import StateLayout
from tai_state.rules.commits.settle import Outcome


async def async_marked(
    access: AsyncAccess, paths: StateLayout, put: Put, others: Sequence[Write], deadline: Deadline
) -> None:
    """Commit the state's document with its new marks, and *others* with it; a lost reply is settled by its digest.

    Raises:
        PreconditionFailedError: A writer was faster; nothing was written.
    """

    async def read(refused: bool) -> Settled:  # noqa: FBT001 - the protocol's one question
        found = (await access.read([paths.state], deadline)).get(paths.state)
        if found is not None and found.fields.get("digest") == put.fields["digest"]:
            return Settled(Outcome.APPLIED, CommitResult(found.update_time, {}))
        return Settled(Outcome.REFUSED if refused else Outcome.UNKNOWN)

    def unknown() -> OutcomeUnknownError:
        return OutcomeUnknownError("", paths.governor_id, paths.state_id, 0, retryable=True)

    await async_shield(async_commit_once, access, [put, *others], deadline, AsyncSettlement(read, unknown))
