"""One of several processes that move the same machine: run by test_processes.py.

Arguments: the store's URL, how many moves to make, and "free" or "checked" (each naming the version that it read).
Says "ready", waits for a line on standard input, works, and prints what became of its moves as JSON.
"""

import json
import sys

from tai_state import Machine, StateMachinePersister, Transition, VersionConflictError, connect

MACHINE = Machine(
    "counter", "open", [Transition("add", "open", "open", apply=lambda data, payload: {"n": data["n"] + payload})]
)


def main(url: str, moves: int, mode: str) -> None:
    versions: list[int] = []
    conflicts: list[int] = []
    with connect(url) as store:
        persister = StateMachinePersister(store, MACHINE)
        store.get_state("g", "s")
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        for _ in range(moves):
            expected = None if mode == "free" else store.get_state("g", "s")[1]
            try:
                result = persister.transition("g", "s", "add", 1, expected_version=expected, timeout=60)
            except VersionConflictError as error:
                conflicts.append(error.expected)
            else:
                versions.append(result.version)
    sys.stdout.write(json.dumps({"versions": versions, "conflicts": conflicts}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
