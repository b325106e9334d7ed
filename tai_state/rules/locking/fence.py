"""The fence: the leases that a commit carries, so that the store itself refuses a holder who was replaced."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tai_state.documents import Document, DocumentPath, Write
from tai_state.errors import FencedOutError
from tai_state.layout import escape
from tai_state.rules.locking.leases import Lease, read_lease, renewed

FENCES_MAX = 16
"""Of how many locks a state remembers the highest token that wrote it."""


@dataclass(frozen=True, slots=True)
class Fence:
    """The leases that one commit carries, as their holder last knew them: a guard of that commit."""

    leases: tuple[Lease, ...]

    @property
    def paths(self) -> Sequence[DocumentPath]:
        """Where the leases live."""
        return [lease.path for lease in self.leases]

    @property
    def token(self) -> int | None:
        """The token that the event records: that of the first lease."""
        return self.leases[0].fencing_token if self.leases else None

    def as_read(self, documents: Mapping[DocumentPath, Document]) -> "Fence":
        """Return the leases as they stand in the store, as a later renewal of our own may have left them.

        Raises:
            FencedOutError: One of them is somebody else's now, or nobody's.
        """
        return Fence(check_leases(self.leases, documents))

    def fences(self, before: Mapping[str, int]) -> Mapping[str, int]:
        """Return the tokens of the locks that wrote a state last, this commit included, the latest last.

        Of FENCES_MAX locks at most: a state that is guarded by ever new locks must not grow for ever. It is a second
        line: the commit's precondition on the lease itself refuses whoever was replaced, of any lock. This one tells a
        lease document that was put back by hand to an earlier grant.

        Raises:
            FencedOutError: A later holder of one of the locks wrote it already; also after a restored lease.
        """
        fences = dict(before)
        for lease in self.leases:
            stored_id = escape(lease.resource)
            # Taken out and put back at the end: the map is in the order in which locks wrote.
            highest = fences.pop(stored_id, lease.fencing_token)
            if highest > lease.fencing_token:
                raise FencedOutError(lease.fencing_token, highest, lease.resource)
            fences[stored_id] = lease.fencing_token
        return dict(list(fences.items())[-FENCES_MAX:])

    def renewed(self) -> tuple[Lease, ...]:
        """Return the leases as the commit leaves them."""
        return tuple(renewed(lease)[0] for lease in self.leases)

    def writes(self) -> Sequence[Write]:
        """Return the renewals that go with the commit: each lease must be unchanged."""
        return [renewed(lease)[1] for lease in self.leases]


def check_leases(ours: Sequence[Lease], documents: Mapping[DocumentPath, Document]) -> tuple[Lease, ...]:
    """Return our leases as they stand in the store, as a later renewal of our own may have left them.

    Raises:
        FencedOutError: One of them is somebody else's now, or nobody's.
    """
    found: list[Lease] = []
    for lease in ours:
        document = documents.get(lease.path)
        stored = read_lease(document) if document is not None else None
        # The nonce, not the token: a lease that was broken keeps its token and is nobody's all the same.
        if stored is None or stored.nonce != lease.nonce or stored.holder != lease.holder:
            raise FencedOutError(lease.fencing_token, stored.fencing_token if stored else 0, lease.resource)
        found.append(stored)
    return tuple(found)
