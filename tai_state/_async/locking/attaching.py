"""Going on with a lock that another process, or an earlier one, acquired."""

from dataclasses import replace

from tai_state._async.locking.handle import AsyncGrantor, AsyncLockHandle
from tai_state.clock import Deadline
from tai_state.errors import LockLostError
from tai_state.rules.locking.leases import Lease, last_renewed, loss_reason, read_leases
from tai_state.rules.locking.owners import ProcessStamp


async def async_attached(
    grantor: AsyncGrantor, granted: Lease, deadline: Deadline, *, process: ProcessStamp | None
) -> AsyncLockHandle:
    """Return one more handle of the grant *granted*, renewed.

    Args:
        process: The process that the lease ends with from now on; None: it may outlive every process.

    Raises:
        LockLostError: It is no grant any more.
    """
    access = grantor.access
    asked = access.clock.monotonic()
    read = await access.read([granted.path], deadline)
    (found,) = read_leases([granted.path], read.documents)
    reason = loss_reason(granted, found, read.read_time)
    if reason is not None or found is None:
        raise LockLostError(granted.resource, reason or "broken")
    handle = AsyncLockHandle(grantor, replace(found, process=process), last_renewed(found, read.read_time, asked))
    await handle.renew(timeout=deadline.remaining())
    return handle
