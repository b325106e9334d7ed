"""What a user could pick instead: event sourcing, checkpoints, durable workflows. Imported where they are measured."""

import os
import sqlite3
import uuid
from pathlib import Path
from typing import Any

from tests.benchmarks.ours import DATA

EVENTS = 500


class CachedAggregate:
    """eventsourcing: get an aggregate (from its cache) and save one event of it."""

    def __init__(self, engine: str, cache: int = 1) -> None:
        self._engine, self._cache = engine, cache

    def setup(self, folder: Path) -> None:
        from eventsourcing.application import Application  # noqa: PLC0415 - as all peers
        from eventsourcing.domain import Aggregate, event  # noqa: PLC0415

        class Order(Aggregate):
            def __init__(self, data: dict[str, Any]) -> None:
                self.data = data

            @event("Added")
            def add(self, data: dict[str, Any]) -> None:
                self.data = data

        env = {"AGGREGATE_CACHE_MAXSIZE": str(self._cache), "DEEPCOPY_FROM_AGGREGATE_CACHE": "n"}
        if self._engine == "sqlite":
            env |= {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(folder / "es.db")}
        if not self._cache:
            env = {name: value for name, value in env.items() if "CACHE" not in name}
        self.app: Any = Application(env)
        order = Order(DATA)
        self.app.save(order)
        self.id = order.id

    def step(self) -> int:
        order = self.app.repository.get(self.id)
        order.add({**order.data, "n": order.data["n"] + 1})
        self.app.save(order)
        return 1

    def many(self, events: int) -> None:
        """Save *events* of the aggregate in one batch."""
        order = self.app.repository.get(self.id)
        for _ in range(events):
            order.add({**order.data, "n": order.data["n"] + 1})
        self.app.save(order)

    def teardown(self) -> None:
        self.app.close()


class AggregateReading(CachedAggregate):
    """eventsourcing: an aggregate of so many events is folded, or its last hundred events are read."""

    def __init__(self, moves: int, last: int = 0) -> None:
        super().__init__("sqlite", cache=0)
        self._moves, self._last = moves, last

    def setup(self, folder: Path) -> None:
        super().setup(folder)
        for _ in range(self._moves // EVENTS):
            self.many(EVENTS)

    def step(self) -> int:
        if self._last:
            found = list(self.app.events.get(self.id, gt=self._moves + 1 - self._last))
            assert len(found) == self._last
        else:
            assert self.app.repository.get(self.id).version >= self._moves
        return 1


class AggregateBatches(CachedAggregate):
    """eventsourcing: batches of 500 events."""

    def step(self) -> int:
        self.many(EVENTS)
        return EVENTS


class Checkpoints:
    """langgraph-checkpoint-sqlite: get the last checkpoint and put the next."""

    def setup(self, folder: Path) -> None:
        from langgraph.checkpoint.base import empty_checkpoint  # noqa: PLC0415 - as all peers
        from langgraph.checkpoint.sqlite import SqliteSaver  # noqa: PLC0415

        self._database = sqlite3.connect(folder / "lg.db", check_same_thread=False)
        self._saver: Any = SqliteSaver(self._database)
        self._saver.setup()
        self._database.execute("PRAGMA synchronous=FULL")
        self._config: Any = {"configurable": {"thread_id": "t", "checkpoint_ns": ""}}
        checkpoint = empty_checkpoint()
        checkpoint["channel_values"] = dict(DATA)
        self._config = self._saver.put(self._config, checkpoint, {"source": "loop", "step": 0}, {})

    def step(self) -> int:
        thread = {"configurable": {"thread_id": "t", "checkpoint_ns": ""}}
        found = self._saver.get_tuple(thread)
        data = found.checkpoint["channel_values"]
        # Ids of checkpoints are ordered by time, as those that langgraph makes.
        stamp = uuid.UUID(int=uuid.UUID(found.checkpoint["id"]).int + 1)
        values = {**data, "n": data["n"] + 1}
        checkpoint = {**found.checkpoint, "id": str(stamp), "channel_values": values}
        self._saver.put(found.config, checkpoint, {"source": "loop", "step": values["n"]}, {})
        return 1

    def teardown(self) -> None:
        self._database.close()


class Steps:
    """DBOS: a step of a workflow, of which each has twenty."""

    def setup(self, folder: Path) -> None:
        os.environ["DBOS__LOG_LEVEL"] = "ERROR"
        from dbos import DBOS  # noqa: PLC0415 - as all peers

        url = f"sqlite:///{folder}/dbos.sqlite"
        DBOS(config={"name": "bench", "system_database_url": url, "log_level": "ERROR", "run_admin_server": False})

        @DBOS.step()
        def add(data: dict[str, Any]) -> dict[str, Any]:
            return {**data, "n": data["n"] + 1}

        @DBOS.workflow()
        def twenty(data: dict[str, Any]) -> dict[str, Any]:
            for _ in range(20):
                data = add(data)
            return data

        DBOS.launch()
        self._dbos, self._workflow = DBOS, twenty

    def step(self) -> int:
        self._workflow(DATA)
        return 20

    def teardown(self) -> None:
        self._dbos.destroy()
