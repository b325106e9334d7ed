"""Run the targets for a while each: ``python -m tests.fuzz --seconds 600 [TARGET ...]``."""

import argparse
import itertools
import sys
import time

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS

EXAMPLES = 500


def run(name: str, seconds: float) -> int:
    """Feed one target with seed after seed until its time is over; return how many examples that were."""
    ends = time.monotonic() + seconds
    count = 0

    def feed(data: st.DataObject) -> None:
        nonlocal count
        count += 1
        TARGETS[name](data)

    for number in itertools.count(time.time_ns() % 1_000_000):
        if time.monotonic() > ends:
            return count
        checks = settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        try:
            seed(number)(checks(given(st.data())(feed)))()
        except BaseException:
            sys.stderr.write(f"{name}: found with seed {number}\n")
            raise
    return count


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description="Feed rubbish to all that reads.")
    parser.add_argument("targets", nargs="*", choices=[[], *TARGETS], help="all of them where none is named")
    parser.add_argument("--seconds", type=float, default=600.0, help="for each target (600)")
    options = parser.parse_args()
    for name in options.targets or TARGETS:
        sys.stdout.write(f"{name}: {run(name, options.seconds):,} examples, nothing uncaught\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
