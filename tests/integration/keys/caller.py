"""One of several processes that change the same keys: run by test_keys_processes.py.

Arguments: the store's URL, its number, how many changes of each kind to make, and among how many threads. Says "ready",
waits for a line on standard input, works, and prints what it was told as JSON.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

from tai_state import connect
from tai_state.keys import Keys


def main(url: str, number: int, changes: int, threads: int) -> None:
    with connect(url) as store, ThreadPoolExecutor(threads) as pool:
        keys = Keys(store, "shared")
        keys.get("sum")
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        names = [f"{number}-{each}" for each in range(changes)]
        sums = [pool.submit(keys.increment, "sum", timeout=90) for _ in names]
        lists = [pool.submit(keys.push, "list", name, timeout=90) for name in names]
        swaps = [pool.submit(keys.compare_and_swap, "owner", "nobody", name, timeout=90) for name in names]
        told = {
            "sums": [one.result() for one in sums],
            "last": [one.result()[-1] for one in lists],
            "won": [name for name, one in zip(names, swaps, strict=True) if one.result()],
        }
    sys.stdout.write(json.dumps({**told, "names": names}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
