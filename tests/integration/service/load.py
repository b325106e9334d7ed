"""A closed loop of callers who come again under their keys until they are answered, and who judges what they heard."""

import http.client
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tai_state import StateStore
from tests.integration.service.fleet import Answer, Fleet

SHOP = "shop"
AGAIN_SECONDS = 0.02
REPLAYED_EVERY = 5


@dataclass
class Heard:
    """What the callers were told.

    Attributes:
        versions: Of each change that was acknowledged, by order and key: the version that it made.
        wrong: What no caller should hear.
        counts: How many requests ended in which way.
    """

    versions: dict[tuple[str, str], int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


@dataclass
class Load:
    """Callers, each of whom makes one request after the other, over few orders that all of them want."""

    fleet: Fleet
    orders: int = 3
    callers: int = 4
    pause: float = 0.0
    heard: Heard = field(default_factory=Heard)
    stop: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, during: Callable[[], None], requests_min: int = 0) -> Heard:
        """Call until *during* has returned and there were so many requests."""
        for number in range(self.orders):
            self._change(f"o-{number}", f"start-{number}", f"/orders/{SHOP}/o-{number}", {"customer": "ann"})
        threads = [threading.Thread(target=self._caller, args=(number, requests_min)) for number in range(self.callers)]
        for thread in threads:
            thread.start()
        try:
            during()
        finally:
            self.stop.set()
            for thread in threads:
                thread.join()
        return self.heard

    @property
    def requests(self) -> int:
        """How many requests were answered as they should be."""
        return self.heard.counts["made"] + self.heard.counts["replayed"]

    def _caller(self, caller: int, requests_min: int) -> None:
        turn = 0
        while not self.heard.wrong and (not self.stop.is_set() or self.requests < requests_min):
            turn += 1
            order, key = f"o-{(caller + turn) % self.orders}", f"k-{caller}-{turn}"
            path, body = f"/orders/{SHOP}/{order}/add", {"sku": f"s-{caller}", "quantity": 1}
            self._change(order, key, path, body)
            if turn % REPLAYED_EVERY == 0:
                self._change(order, key, path, body, again=True)
            time.sleep(self.pause)

    def _change(self, order: str, key: str, path: str, body: object, *, again: bool = False) -> None:
        """Make a change under its key, however often it has to be asked for."""
        has_tried = again
        while True:
            answer = self._ask(key, path, body)
            if answer is not None:
                break
            if self.heard.wrong:
                return
            has_tried = True
            time.sleep(AGAIN_SECONDS)
        replayed = answer.headers.get("idempotency-replayed") == "true"
        version = answer.content.get("version")
        with self._lock:
            first = self.heard.versions.setdefault((order, key), version)
            if answer.status not in {200, 201} or version != first:
                self.heard.wrong.append(f"{key}: {answer}, was version {first}")
            elif again and not replayed:
                self.heard.wrong.append(f"{key} was made again: {answer}")
            elif replayed and not has_tried:
                self.heard.wrong.append(f"{key} was new, and is told as replayed")
            self.heard.counts["replayed" if again else "made"] += 1

    def _ask(self, key: str, path: str, body: object) -> Answer | None:
        """Ask the server whose turn it is; None: ask another one."""
        server = self.fleet.next()
        try:
            answer = server.call("POST", path, body, {"Idempotency-Key": key})
        except (OSError, http.client.HTTPException) as error:
            with self._lock:
                self.heard.counts["cut off"] += 1
                if not server.ending:
                    self.heard.wrong.append(f"{key}: a server that was not ending cut off: {error!r}")
            return None
        if answer.status < 500:
            return answer
        with self._lock:
            self.heard.counts["refused"] += 1
            if answer.status != 503 or not server.ending or "retry-after" not in answer.headers:
                self.heard.wrong.append(f"{key}: {answer} by a server that was {'' if server.ending else 'not '}ending")
        return None


def judge(heard: Heard, store: StateStore, orders: int) -> None:
    """Hold what is stored against what was acknowledged: each change is there once, at its version, and no other is."""
    assert heard.wrong == []
    stored = [
        ((event.state_id, event.idempotency_key), event.version)
        for number in range(orders)
        for event in store.get_events(SHOP, f"o-{number}")
    ]
    assert Counter(stored) == Counter(heard.versions.items())
    for number in range(orders):
        snapshot, _ = store.get_state(SHOP, f"o-{number}")
        added = sum(order == f"o-{number}" for order, _ in heard.versions) - 1
        assert sum(snapshot.data["items"].values()) == added
