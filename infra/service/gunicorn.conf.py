"""Gunicorn for orders.wsgi: several workers, several threads each, and an end in order."""

import os
from pathlib import Path
from typing import Any

from tai_state.adapters.flask import end

MEMORY = Path("/dev/shm")  # noqa: S108  # nosec B108 - gunicorn makes its files there by mkstemp

bind = f"0.0.0.0:{os.environ.get('PORT', '8080')}"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = int(os.environ.get("WEB_THREADS", "8"))
worker_class = "gthread"
# The application is made in each worker, behind the fork, and so is its store.
preload_app = False
# Cloud Run kills 10 seconds after SIGTERM; a call of the store takes 8 at most.
graceful_timeout = 9
# Workers tell that they live through a file: not on a disk.
worker_tmp_dir = str(MEMORY) if MEMORY.is_dir() else None
# Nobody steers it from beside, and its folder may be read-only.
control_socket_disable = True


def worker_exit(_: Any, worker: Any) -> None:
    """Drain and close the worker's store: its requests have ended. A worker that did not start has no application."""
    end(getattr(worker, "wsgi", None))
