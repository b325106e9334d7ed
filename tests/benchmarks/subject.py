"""The process of one subject, told by lines: ``python -m tests.benchmarks.subject WORKLOAD SUBJECT FOLDER``."""

import json
import os
import sys
from pathlib import Path

from tests.benchmarks.harness import WARM_SECONDS, work
from tests.benchmarks.workloads import WORKLOADS


def main(workload: str, name: str, folder: str) -> None:
    """Answer each line on stdin with a line of JSON."""
    # Peers print; the answers go where nobody else writes.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    subject = WORKLOADS[workload].subjects[name]()
    for line in sys.stdin:
        request, _, seconds = line.strip().partition(" ")
        if request == "setup":
            subject.setup(Path(folder))
            # What is imported and cached at first is no part of a round, nor that a log still grows: to extend a file
            # costs a flush many times what to write in it does.
            answer: object = True
            if not WORKLOADS[workload].once:
                work(subject, WARM_SECONDS)
        else:
            answer = work(subject, float(seconds))
        answers.write(json.dumps(answer) + "\n")
    subject.teardown()


if __name__ == "__main__":
    main(*sys.argv[1:])
