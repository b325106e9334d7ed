# Generated from tai_state/_async/doctor/visit.py by .ci/generate_sync.py; do not edit.
"""What the checks of one visit share: the store, and a sample of its states, which is read once."""
from collections.abc import Iterator, Callable, Iterable
from typing import Any

from tai_state._sync.api.store import StateStore
from tai_state.clock import TimeLimit
from tai_state.documents import Document
from tai_state.errors import InvalidIdError, ReplayError, SchemaVersionError
from tai_state.layout import GOVERNORS, GovernorLayout, unescape
from tai_state.machine import Machine
from tai_state.models import Checkup
from tai_state.rules.doctor.sample import GOVERNORS_MAX, STATES_MAX, Sample
from tai_state.rules.records.documents import read_state


class Visit:
    """One look at one store."""

    def __init__(self, store: StateStore, machines: Iterable[Machine[Any]], timeout: TimeLimit) -> None:
        """Look at *store*; *machines* are those of its services, ``timeout`` bounds each page that is read."""
        self.store = store
        self.access = store.runtime.access
        self.machines = tuple(machines)
        self.timeout = timeout
        self._sample: Sample | None = None

    def sample(self) -> Sample:
        """Return some of the store's states; the first call reads them."""
        if self._sample is None:
            self._sample = self._read_sample()
        return self._sample

    def _read_sample(self) -> Sample:
        sample = Sample()
        for stored in self.access.scan_ids(GOVERNORS, limit=GOVERNORS_MAX + 1, timeout=self.timeout):
            if len(sample.governors) == GOVERNORS_MAX:
                sample.is_all = False
                break
            try:
                governor = GovernorLayout.at(stored)
            except InvalidIdError:
                continue  # somebody else's, which `verify` tells
            sample.governors.append(governor.governor_id)
            seen = 0
            for document in self.access.scan(governor.states, limit=STATES_MAX + 1, timeout=self.timeout):
                seen += 1
                if seen > STATES_MAX:
                    sample.is_all = False
                    break
                _take(sample, governor, document)
        return sample

    def some(self, collections: Iterable[str], limit: int) -> tuple[list[Document], bool]:
        """Return the first documents of some collections, *limit* at most, and whether those are all."""
        found: list[Document] = []
        for collection in collections:
            wanted = limit + 1 - len(found)
            page = self.access.scan(collection, limit=wanted, timeout=self.timeout)
            found += [document for document in page]
            if len(found) > limit:
                return found[:limit], False
        return found, True


def _take(sample: Sample, governor: GovernorLayout, document: Document) -> None:
    try:
        state_id = unescape(document.path.id)
        sample.records.append(read_state(document, governor.governor_id, state_id))
    except InvalidIdError:
        return  # as above
    except SchemaVersionError:
        sample.newer.append(str(document.path))
    except ReplayError:
        sample.damaged.append(str(document.path))


Check = Callable[[Visit], Iterator[Checkup]]
"""One of the checks: gives a line, or several."""
