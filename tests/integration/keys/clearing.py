"""Filters and clears a large group of keys, and prints what it found as JSON: run by test_keys_many.py.

Arguments: the store's URL, and from which number on values are wanted.
"""

import json
import sys
from pathlib import Path

from tai_state import connect
from tai_state.keys import Keys


def main(url: str, least: int) -> None:
    with connect(url) as store:
        keys = Keys(store, "g")
        told = {
            "filtered": [key for key, _ in keys.items(path="n", ge=least)],
            "listed": len(list(keys.keys())),
            "cleared": keys.clear(),
            "left": len(list(keys.keys())),
            "again": keys.clear(),
        }
    # Not the peak that the kernel tells of a process: a child has that of its parent, too.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = int(status.partition("VmHWM:")[2].split()[0])
    sys.stdout.write(json.dumps({**told, "peak": peak}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
