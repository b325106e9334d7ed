"""``python -m tests.benchmarks [WORKLOAD...]``: measure, print the table, write JSON and a picture."""

import argparse
import json
import os
import platform
import sys
import tempfile
from contextlib import ExitStack, nullcontext
from datetime import UTC, datetime
from pathlib import Path

from tai_state.testing import emulator
from tests.benchmarks import table
from tests.benchmarks.harness import Workload, run, seconds_of_environment
from tests.benchmarks.workloads import WORKLOADS


def main() -> None:
    """Measure what is named, or all."""
    parser = argparse.ArgumentParser(prog="make bench", description="Measure workloads, beside their floors and peers.")
    parser.add_argument("workloads", nargs="*", choices=[[], *WORKLOADS], help="all of them where none is named")
    parser.add_argument("--out", type=Path, default=Path("build/benchmarks"), help="where JSON and picture go")
    parser.add_argument("--docs", action="store_true", help="write docs/benchmarks.md and its picture from this run")
    arguments = parser.parse_args()
    chosen = [WORKLOADS[name] for name in arguments.workloads or WORKLOADS]
    about = {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "date": datetime.now(UTC).date().isoformat(),
    }
    results = measure(chosen)
    sys.stdout.write(f"\n{about['machine']}, {about['date']}\n\n{table.text(results)}\n")
    arguments.out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(table.record(results, about), indent=1)
    (arguments.out / "results.json").write_text(text, encoding="utf-8")
    (arguments.out / "results.svg").write_text(table.picture(results, about), encoding="utf-8")
    if arguments.docs:
        Path("docs/benchmarks.svg").write_text(table.picture(results, about), encoding="utf-8")
        Path("docs/benchmarks.md").write_text(table.page(results, about), encoding="utf-8")


def measure(chosen: list[Workload]) -> table.Results:
    """Run workloads one after the other, each of Firestore's on an emulator of its own.

    An emulator keeps in memory all that it was ever told: one that served for long is slow, and ends.
    """
    results = {}
    # Not in memory: what a commit costs on a disk is what is measured.
    place = os.environ.get("BENCH_FOLDER", "build")
    Path(place).mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir=place))).absolute()
        for workload in chosen:
            sys.stderr.write(f"{workload.name} ...\n")
            with emulator() if workload.needs_emulator else nullcontext() as server:
                if server is not None:
                    os.environ["FIRESTORE_EMULATOR_HOST"] = server.host
                results[workload.name] = (workload, run(workload, folder, seconds_of_environment()))
            os.environ.pop("FIRESTORE_EMULATOR_HOST", None)
    return results


if __name__ == "__main__":
    main()
