"""Firestore by other ways: the official client's guarded batch, and prebuilt bytes on a channel, the floor."""

import asyncio
import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

from tai_state import StateMachinePersister, connect
from tai_state.testing.firestore_emulator import new_project_id
from tests.benchmarks.ours import CALLERS, DATA, MACHINE

COMMIT = "/google.firestore.v1.Firestore/Commit"


def our_documents() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the fields of a state and of an event as the package stores them."""
    from google.cloud import firestore  # noqa: PLC0415 - only where Firestore is measured

    project = new_project_id()
    with connect(f"firestore://{project}", actor="bench") as store:
        persister = StateMachinePersister(store, MACHINE)
        persister.start("g", "s0", DATA)
        persister.transition("g", "s0", "add")
    tenant = firestore.Client(project=project).collection("governors").document("g")
    states = [found.to_dict() for found in tenant.collection("states").stream()]
    events = [found.to_dict() for found in tenant.collection("events").stream()]
    return states[0] or {}, events[-1] or {}


class GuardedBatch:
    """The official client, the version known: one guarded batch of state and event."""

    def setup(self, folder: Path) -> None:
        from google.cloud import firestore  # noqa: PLC0415 - as above

        self.state, self.event = our_documents()
        self.database = firestore.Client(project=new_project_id())
        self.tenant = self.database.collection("governors").document("g")
        self.ref = self.tenant.collection("states").document("s0")
        self._seen = self.ref.set(self.state).update_time
        self._versions = count(1)

    def step(self) -> int:
        version = next(self._versions)
        batch = self.database.batch()
        unchanged = self.database.write_option(last_update_time=self._seen)
        batch.update(self.ref, {**self.state, "version": version}, option=unchanged)
        batch.create(self.tenant.collection("events").document(f"s0@{version:019d}"), self.event)
        self._seen = batch.commit(retry=None)[0].update_time
        return 1

    def teardown(self) -> None:
        self.database.close()


class QueryStream(GuardedBatch):
    """The official client: all events of a state by one query."""

    def __init__(self, events: int) -> None:
        self.events = events

    def setup(self, folder: Path) -> None:
        super().setup(folder)
        for first in range(0, self.events, 500):
            batch = self.database.batch()
            for version in range(first, min(first + 500, self.events)):
                batch.create(self._event(version), {**self.event, "version": version})
            batch.commit()

    def _event(self, version: int) -> Any:
        return self.tenant.collection("events").document(f"s0@{version:019d}")

    def step(self) -> int:
        assert sum(1 for _ in self.tenant.collection("events").order_by("__name__").stream()) == self.events
        return 1


class StreamedEvents(QueryStream):
    """The official client: events by their ids."""

    def step(self) -> int:
        found = self.database.get_all([self._event(version) for version in range(self.events)])
        assert sum(one.exists for one in found) == self.events
        return 1


def prebuilt(project: str, state: dict[str, Any], event: dict[str, Any], state_id: str) -> Iterator[bytes]:
    """Yield commits of a state and a new event each, as bytes: only the version in the event's name differs."""
    from google.cloud.firestore_v1 import _helpers  # noqa: PLC0415 - as above
    from google.cloud.firestore_v1.types import CommitRequest, Document, Precondition, Write  # noqa: PLC0415

    root = f"projects/{project}/databases/(default)"
    name = f"{root}/documents/governors/g"
    own = Write(update=Document(name=f"{name}/states/{state_id}", fields=_helpers.encode_dict(state)))
    document = Document(name=f"{name}/events/{state_id}@{0:019d}", fields=_helpers.encode_dict(event))
    new = Write(update=document, current_document=Precondition(exists=False))
    first = CommitRequest.serialize(CommitRequest(database=root, writes=[own, new]))
    before, after = first.split(b"@%019d" % 0)
    return (b"%b@%019d%b" % (before, version, after) for version in count(1))


def metadata(project: str) -> list[tuple[str, str]]:
    """Return what the emulator wants to be told with each call."""
    return [
        ("authorization", "Bearer owner"),
        ("google-cloud-resource-prefix", f"projects/{project}/databases/(default)"),
    ]


class Prebuilt:
    """The floor: bytes that were made before, on a channel of our own."""

    def setup(self, folder: Path) -> None:
        import grpc  # noqa: PLC0415 - as above

        project = new_project_id()
        self._requests = prebuilt(project, *our_documents(), "s0")
        self._channel = grpc.insecure_channel(os.environ["FIRESTORE_EMULATOR_HOST"])
        self._commit: Any = self._channel.unary_unary(COMMIT)
        self._metadata = metadata(project)

    def step(self) -> int:
        self._commit(next(self._requests), metadata=self._metadata)
        return 1

    def teardown(self) -> None:
        self._channel.close()


class PrebuiltTasks:
    """The floor of thirty-two tasks, each on a state of its own."""

    def setup(self, folder: Path) -> None:
        import grpc.aio  # noqa: PLC0415 - as above

        project = new_project_id()
        documents = our_documents()
        self._requests = [prebuilt(project, *documents, f"s{one}") for one in range(CALLERS)]
        self._runner = asyncio.Runner()
        self._metadata = metadata(project)

        async def opened() -> Any:
            return grpc.aio.insecure_channel(os.environ["FIRESTORE_EMULATOR_HOST"])

        self._channel = self._runner.run(opened())
        self._commit = self._channel.unary_unary(COMMIT)

    async def _many(self, caller: int) -> None:
        for _ in range(8):
            await self._commit(next(self._requests[caller]), metadata=self._metadata)

    async def _all(self) -> None:
        await asyncio.gather(*[self._many(caller) for caller in range(CALLERS)])

    def step(self) -> int:
        self._runner.run(self._all())
        return CALLERS * 8

    def teardown(self) -> None:
        self._runner.run(self._channel.close())
        self._runner.close()


class OfficialTasks:
    """The official async client: thirty-two tasks, on as many states or on one, which they read again on a conflict."""

    def __init__(self, states: int, each: int) -> None:
        self._states, self._each = states, each

    def setup(self, folder: Path) -> None:
        from google.cloud import firestore  # noqa: PLC0415 - as above

        self._state, self._event = our_documents()
        self._runner = asyncio.Runner()
        self._seen: dict[int, tuple[int, Any]] = {}

        async def opened() -> Any:
            database = firestore.AsyncClient(project=new_project_id())
            for one in range(self._states):
                written = await database.document(f"governors/g/states/s{one}").set({**self._state, "version": 0})
                self._seen[one] = (0, written.update_time)
            return database

        self._database = self._runner.run(opened())

    async def _move(self, one: int) -> None:
        from google.api_core.exceptions import GoogleAPICallError  # noqa: PLC0415 - as above

        ref = self._database.document(f"governors/g/states/s{one}")
        while True:
            if self._states == 1:
                found = await ref.get()
                version, seen = found.get("version"), found.update_time
            else:
                version, seen = self._seen[one]
            batch = self._database.batch()
            unchanged = self._database.write_option(last_update_time=seen)
            batch.update(ref, {**self._state, "version": version + 1}, option=unchanged)
            batch.create(self._database.document(f"governors/g/events/s{one}@{version + 1:019d}"), self._event)
            try:
                written = await batch.commit(retry=None)
            except GoogleAPICallError:
                await asyncio.sleep(0.01)
                continue
            self._seen[one] = (version + 1, written[0].update_time)
            return

    async def _many(self, caller: int) -> None:
        for _ in range(self._each):
            await self._move(caller % self._states)

    async def _all(self) -> None:
        await asyncio.gather(*[self._many(caller) for caller in range(CALLERS)])

    def step(self) -> int:
        self._runner.run(self._all())
        return CALLERS * self._each

    def teardown(self) -> None:
        async def closed() -> None:
            self._database.close()

        self._runner.run(closed())
        self._runner.close()
