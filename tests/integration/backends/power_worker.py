"""Makes transitions in a SQLite file and acknowledges each on standard output; traced by power_cuts.py.

Arguments: the file, "FULL" or "NORMAL", how many moves each of two threads makes. The file is opened and closed twice.
A small WAL is folded into the file every few commits, as a large one is every few thousand.
"""

import os
import sys
import threading
from unittest.mock import patch

from tai_state import SqliteStore, StateMachinePersister
from tai_state.backends.sqlite import schema
from tests._sync.machines import COUNTER

PAGES_PER_CHECKPOINT = 40

_open = schema.Place.open


def open_with_a_small_wal(place):
    connection = _open(place)
    connection.execute(f"PRAGMA wal_autocheckpoint = {PAGES_PER_CHECKPOINT}")
    return connection


def work(persister, state_id: str, moves: int) -> None:
    for number in range(moves):
        result = persister.transition("g", state_id, "add", 1, idempotency_key=f"{state_id}-{number}-{os.urandom(4)!r}")
        os.write(1, f"ack {state_id} {result.version}\n".encode())


def main(path: str, synchronous: str, moves: int) -> None:
    for _ in range(2):
        with SqliteStore(path, synchronous=synchronous, actor="worker") as store:
            persister = StateMachinePersister(store, COUNTER)
            for state_id in ("s", "t"):
                if not store.exists("g", state_id):
                    version = persister.start("g", state_id, {"n": 0, "text": "x" * 600}).version
                    os.write(1, f"ack {state_id} {version}\n".encode())
            threads = [threading.Thread(target=work, args=(persister, state_id, moves)) for state_id in ("s", "t")]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()


if __name__ == "__main__":
    with patch.object(schema.Place, "open", open_with_a_small_wal):
        main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
