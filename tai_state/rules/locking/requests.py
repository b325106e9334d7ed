"""Keyed requests for locks: who asks again under the key of a grant goes on with that grant.

The reply to an acquisition can be lost on its way to whoever asked, over HTTP say; without a key the lock is nobody's
then until its lease ends, and not even the same owner gets it. So the lease keeps for whom and under which key it was
asked for, and what else was asked, as digests: it knows a caller who says both again, and gives neither away.
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime

from tai_state.errors import IdempotencyMismatchError
from tai_state.frozen import quick_dataclass
from tai_state.layout import check_id
from tai_state.rules.locking.leases import Lease


@quick_dataclass(frozen=True, slots=True)
class LockRequest:
    """What is asked for under a key.

    Attributes:
        key: As its caller says it.
        key_digest: Of the key and of who asks: another owner's same key is another one.
        fingerprint: Of what is asked for.
    """

    key: str
    key_digest: str
    fingerprint: str

    def is_met_by(self, leases: Sequence[Lease | None], read_time: datetime) -> bool:
        """Whether all of *leases*, those of what is asked for, were granted to this very request, and are held.

        Raises:
            IdempotencyMismatchError: One was granted to another request under the same key.
        """
        for lease in leases:
            if lease is None or not lease.is_held(read_time) or lease.key_digest != self.key_digest:
                return False
            if lease.fingerprint != self.fingerprint:
                raise IdempotencyMismatchError(self.key, resource=lease.resource)
        return True


def lock_request(key: str, holder: str, resources: Sequence[str], ttl_seconds: float | None) -> LockRequest:
    """Return what *holder* asks for under *key*.

    Raises:
        InvalidIdError: The key is none.
    """
    check_id(key, "idempotency_key")
    return LockRequest(key, _digest([holder, key]), _digest([*resources, ttl_seconds]))


def _digest(told: Sequence[str | float | None]) -> str:
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()
