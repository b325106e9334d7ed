"""Run many seeds in two processes: ``python -m tests.simulation.many --seeds 10000``."""

import argparse
import logging
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed

from tai_state.testing.simulation import SimulationFailure
from tests.children import end_with_parent
from tests.simulation.totals import Totals, run_seeds

CHUNK = 50


def begin() -> None:
    """Let a worker end with its parent, and keep it from telling of lost locks, thousands of times."""
    end_with_parent()
    logging.getLogger("tai_state").setLevel(logging.ERROR)


def main() -> int:
    """Run the seeds; return 0 when all pass, 1 when one fails or too little was done."""
    parser = argparse.ArgumentParser(description="Run many seeds of the simulation.")
    parser.add_argument("--seeds", type=int, default=10_000, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    behind = options.first + options.seeds
    chunks = [(start, min(start + CHUNK, behind)) for start in range(options.first, behind, CHUNK)]
    totals = Totals()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.processes, mp_context=context, initializer=begin) as pool:
        futures = [pool.submit(run_seeds, *chunk) for chunk in chunks]
        try:
            for future in as_completed(futures):
                totals.merge(future.result())
                sys.stderr.write(f"\r{totals.runs} of {options.seeds} seeds")
                sys.stderr.flush()
        except SimulationFailure as failure:
            pool.shutdown(cancel_futures=True)
            sys.stderr.write(f"\n{failure}\n")
            return 1
    shortcomings = totals.shortcomings()
    sys.stdout.write(f"{totals}\n")
    for shortcoming in shortcomings:
        sys.stderr.write(f"\n{shortcoming}")
    sys.stderr.write("\n")
    return 1 if shortcomings else 0


if __name__ == "__main__":
    raise SystemExit(main())
