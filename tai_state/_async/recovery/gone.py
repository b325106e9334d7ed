"""States whose documents are gone, and of which something is left."""

from collections.abc import AsyncIterator

from tai_state._async.access.access import AsyncAccess
from tai_state._async.recovery.kept import foreign
from tai_state.clock import Span
from tai_state.errors import InvalidIdError
from tai_state.layout import GovernorLayout, StateLayout, owner_and_version, unescape
from tai_state.rules.recovery.findings import Finding


async def async_left_over(
    access: AsyncAccess, governor: GovernorLayout, collection: str, timeout: Span
) -> AsyncIterator[StateLayout | Finding]:
    """Iterate over the states of which something is in a collection, and their documents are gone.

    One look for each state, jumping over its versions. A document that is none of ours is a finding.
    """
    after: str | None = None
    while True:
        first = [one async for one in access.scan(collection, start=after, limit=1, timeout=timeout)]
        if not first:
            return
        (found,) = first
        stored_id = found.path.id.rpartition("@")[0]
        after = f"{stored_id}A"
        try:
            paths = governor.state(unescape(stored_id, found.path))
            if (await access.read([paths.state], access.begin(timeout))).get(paths.state) is not None:
                continue
            owner_and_version(found.path.id)
        except InvalidIdError as error:
            yield foreign(found, error)
            after = f"{found.path.id}!"
            continue
        yield paths
