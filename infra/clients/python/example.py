"""Starts a machine, moves it, and counts with a key, through a server that may be killed at any time.

TAI_STATE_TOKEN=... python example.py ADDRESS STATE COUNT MOVES_A_SECOND
"""

import json
import os
import sys
import time

from client import Client, path_of


def main(address: str, state: str, count: int, rate: float) -> None:
    """Move *state* so many times; each is told on stdout once it is acknowledged."""
    client = Client(address, os.environ["TAI_STATE_TOKEN"])
    lamp, switches = path_of("governors", "lamps", "states", state), path_of("keys", "switches", state)
    client.call("POST", lamp, {"machine": "lamp"}, key=f"{state}-start")
    began = time.monotonic()
    for number in range(count):
        key = f"{state}-{number}"
        moved = client.call("POST", f"{lamp}/transitions", {"action": "switch"}, key=key)
        counted = client.call("POST", switches, {"op": "increment"}, key=key)
        print(json.dumps({"key": key, "version": moved["version"], "count": counted["value"]}), flush=True)
        time.sleep(max(0.0, began + (number + 1) / rate - time.monotonic()))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
