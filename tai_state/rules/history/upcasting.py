"""Upcasting: stored data of an older schema, brought to the schema that its reader understands.

It runs on what a persister gives out and moves on from. What is stored stays as it is, and so do the fold over the
events and every hash: they know stored values alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from tai_state.codec import Payload
from tai_state.config import Upcaster
from tai_state.errors import DocumentTooLargeError, InvalidDataError, SchemaVersionError, UpcastError
from tai_state.errors.base import at_version, named
from tai_state.machine.answers import returned_defect
from tai_state.rules.records.record import StateRecord


class Place(NamedTuple):
    """Whose data it is, for messages; ``version`` None: of a state that is not there yet."""

    governor_id: str
    state_id: str
    version: int | None


@dataclass(frozen=True, slots=True)
class Schema:
    """The schema of the data that a reader understands, and what leads there from older ones.

    Attributes:
        upcasters: Without any, older data is read as it is.
        machine: The name of the machine whose data it is; states that another one moved are none of its own.
    """

    version: int
    upcasters: Mapping[int, Upcaster] = field(default_factory=dict)
    machine: str | None = None

    def concerns(self, record: StateRecord) -> bool:
        """Whether the state's data is of this schema, or of an older or newer version of it."""
        # A tombstone has no data.
        if record.deleted:
            return False
        return self.machine is None or record.machine is None or record.machine.name == self.machine

    def seen(self, record: StateRecord) -> StateRecord:
        """Return a state as its reader sees it: data and label are of this version.

        Raises:
            SchemaVersionError: It is of a newer one.
            UpcastError: Its data cannot be brought there.
        """
        if not self.concerns(record):
            return record
        at = Place(record.governor_id, record.state_id, record.version)
        data = self.upcast(record.data, record.schema_version, at)
        # Read as it is, it stays what it says it is.
        return replace(record, data=data, schema_version=self.version) if self.upcasters else record

    def upcast(self, data: Payload, label: int, at: Place) -> Payload:
        """Return *data* of the schema version *label* as that of this version.

        Raises:
            SchemaVersionError: *label* is newer.
            UpcastError: An upcaster failed, or there is none from there on.
        """
        if label > self.version:
            raise self.newer(label, at)
        if not self.upcasters:
            return data
        for version in range(label, self.version):
            upcaster = self.upcasters.get(version)
            if upcaster is None:
                reason = f"there is no upcaster from version {version} to {version + 1}"
                raise UpcastError(*at, version, reason)
            data = _step(upcaster, data, version, at)
        return data

    def newer(self, label: int, at: Place) -> SchemaVersionError:
        """Return the error that says that data of the version *label* is newer than this."""
        what = f"the data of {named(at.governor_id, at.state_id)}, {at_version(at.version)},"
        then = f"use a persister with schema_version={label} or higher, and the upcasters that lead there"
        return SchemaVersionError(label, self.version, what, reader="this persister", then=then)


def _step(upcaster: Upcaster, data: Payload, version: int, at: Place) -> Payload:
    """Return what one upcaster makes of the data of *version*."""
    # Each is given a copy of its own, and its result is checked before the next one sees it.
    try:
        made: object = upcaster(data.value())
    except Exception as error:
        # Its text may quote the data, and is left to the cause: ours goes to logs and reports.
        reason = f"the upcaster from version {version} to {version + 1} raised {type(error).__name__}, its cause"
        raise UpcastError(*at, version, reason) from error
    defect = returned_defect(made)
    if defect is None and not isinstance(made, dict):
        defect = f"returned a {type(made).__name__}"
    if defect is not None:
        reason = f"the upcaster from version {version} to {version + 1} {defect}; it must return a dict"
        raise UpcastError(*at, version, reason)
    try:
        return Payload.given(made)
    except (InvalidDataError, DocumentTooLargeError) as error:
        reason = f"the upcaster from version {version} to {version + 1} returned what cannot be stored: {error}"
        raise UpcastError(*at, version, reason) from error
