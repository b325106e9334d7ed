"""Leases that are held past their time: whoever held them is gone, and nobody has asked for them since."""

from collections.abc import AsyncIterator

from tai_state._async.access.access import AsyncAccess
from tai_state.clock import Span
from tai_state.errors import InvalidIdError, ReplayError, StoreError
from tai_state.layout import LOCKS, unescape
from tai_state.rules.locking.leases import Lease, read_lease
from tai_state.rules.recovery.findings import Finding


async def async_lease_findings(access: AsyncAccess, timeout: Span) -> AsyncIterator[Finding]:
    """Iterate over what is wrong with the locks of a store; each is read once more before it is told."""
    async for document in access.scan(LOCKS, timeout=timeout):
        try:
            unescape(document.path.id, document.path)
            lease = read_lease(document)
        except InvalidIdError as error:
            yield Finding("foreign_document", "", None, f"it is none of ours: {error}", document.path)
            continue
        except (StoreError, ReplayError) as error:
            yield Finding("corrupt_lease", "", None, str(error), document.path)
            continue
        if lease.holder is not None and await async_expired(access, lease, timeout) is not None:
            message = f"lock {lease.resource!r} is held by {lease.holder!r} past the end of its lease"
            yield Finding("expired_lease", "", None, message, document.path)


async def async_expired(access: AsyncAccess, lease: Lease, timeout: Span) -> Lease | None:
    """Return the lease as it is now, where it is still held and past its time."""
    # Each read tells the store's clock as of itself: no time of ours is compared with it.
    read = await access.read([lease.path], access.begin(timeout))
    document = read.get(lease.path)
    if document is None:
        return None
    now = read_lease(document)
    return now if now.holder is not None and not now.is_held(read.read_time) else None
