"""Events of eventsourcing, for tests of the recorders."""

from eventsourcing.persistence import StoredEvent


def saved(originator_id, *versions, state=b"state"):
    return [StoredEvent(originator_id, version, f"topic{version % 3}", state) for version in versions]
