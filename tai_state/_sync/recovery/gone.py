# Generated from tai_state/_async/recovery/gone.py by .ci/generate_sync.py; do not edit.
"""States whose documents are gone, and of which something is left."""
from collections.abc import Iterator

from tai_state._sync.access.access import Access
from tai_state._sync.recovery.kept import foreign
from tai_state.clock import Span
from tai_state.errors import InvalidIdError
from tai_state.layout import GovernorLayout, StateLayout, owner_and_version, unescape
from tai_state.rules.recovery.findings import Finding


def left_over(
    access: Access, governor: GovernorLayout, collection: str, timeout: Span
) -> Iterator[StateLayout | Finding]:
    """Iterate over the states of which something is in a collection, and their documents are gone.

    One look for each state, jumping over its versions. A document that is none of ours is a finding.
    """
    after: str | None = None
    while True:
        first = [one for one in access.scan(collection, start=after, limit=1, timeout=timeout)]
        if not first:
            return
        (found,) = first
        stored_id = found.path.id.rpartition("@")[0]
        after = f"{stored_id}A"
        try:
            paths = governor.state(unescape(stored_id, found.path))
            if (access.read([paths.state], access.begin(timeout))).get(paths.state) is not None:
                continue
            owner_and_version(found.path.id)
        except InvalidIdError as error:
            yield foreign(found, error)
            after = f"{found.path.id}!"
            continue
        yield paths
