"""One process of the crowd: a writer, or a subscriber that goes on until it is killed."""

import os
import sys
from pathlib import Path

from tai_state import Event, Transaction
from tai_state.feeds import Subscription, SubscriptionConfig
from tests.children import end_with_parent
from tests.integration.feeds.crowd import LEASE_SECONDS, begun, note, opened


def write(url: str, states: int, number: int, count: int) -> None:
    """Save states, one after the other."""
    with opened(url, f"writer-{number}") as store:
        for index in range(count):
            store.save_state("g", f"s{(number * 7 + index) % states}", {"writer": number, "index": index})


def subscribe(url: str, folder: Path, delivery: str) -> None:
    """Note what is told; under ``exactly_once`` count it in the store, in the order of each state."""

    def count(event: Event, tx: Transaction) -> None:
        found = tx.find_state("effects", event.state_id)
        done = found.data if found else {"count": 0, "last": 0}
        if event.version != done["last"] + 1:
            message = f"{event.state_id} is told {event.version} behind {done['last']}"
            raise AssertionError(message)
        tx.save_state("effects", event.state_id, {"count": done["count"] + 1, "last": event.version})

    # The emulator has no index: each look goes over all states, and so do those of who was killed meanwhile.
    is_slow = url.startswith("firestore:")
    config = SubscriptionConfig(
        shards=4,
        lease=LEASE_SECONDS,
        poll=0.5 if is_slow else 0.05,
        wait_initial=0.01,
        wait_max=0.1,
        # Whoever is killed may have a commit under way that lands late.
        sweep_every=20.0 if is_slow else 5.0,
        sweep_window=60.0,
    )
    with opened(url, "subscriber") as store:
        subscription = Subscription(
            store,
            "crowd",
            count if delivery == "exactly_once" else lambda event: note(folder, event.state_id, event.version),
            governor_id="g",
            delivery=delivery,
            # Attempts are counted, and whoever is killed has made one.
            max_attempts=1_000_000,
            config=config,
        )
        begun(folder, os.getpid()).touch()
        subscription.run()


def main(url: str, folder: str, delivery: str, states: str, role: str, *more: str) -> None:
    """Be what the words say."""
    end_with_parent()
    if role == "write":
        number, count = map(int, more)
        write(url, int(states), number, count)
    else:
        subscribe(url, Path(folder), delivery)


if __name__ == "__main__":
    main(*sys.argv[1:])
