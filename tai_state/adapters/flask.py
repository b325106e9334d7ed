"""Flask: errors as problem details, what a request says in headers, and a store for each process.

    app = Flask(__name__)
    ProcessStore(app, lambda: connect(actor="orders"))
    handle_errors(app)

A store is opened by the first request of a process, so behind any fork, and serves all its threads. Gunicorn's workers
answer what is under way when SIGTERM comes; its hook ``worker_exit`` then calls ``end``.
"""

import os
import threading
from collections.abc import Callable
from typing import Final

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException

from tai_state import StateStore, TaiStateError
from tai_state.adapters.headers import BadHeaderError, expected_version_of, idempotency_key_of
from tai_state.adapters.problems import FAILED, Problem, log_failure, of_status, problem_of

EXTENSION: Final = "tai_state"

DRAIN_SECONDS: Final = 1.0
"""What is left when the server has waited for the requests under way; then there is nothing to wait for."""


# What a request says in headers.


def idempotency_key() -> str | None:
    """Return the key of the request's ``Idempotency-Key``."""
    return idempotency_key_of(request.headers.get("Idempotency-Key"))


def expected_version() -> int | None:
    """Return the version that the request's ``If-Match`` names."""
    return expected_version_of(request.headers.get("If-Match"))


# Errors.


def answer(problem: Problem) -> Response:
    """Return the response that tells of *problem*."""
    return Response(problem.body(), int(problem.status), problem.headers())


def handle_errors(app: Flask) -> None:
    """Let *app* tell every error as problem details: this package's, Flask's own, and those that nobody expects."""

    @app.errorhandler(TaiStateError)
    def ours(error: TaiStateError) -> Response:
        problem = problem_of(error, if_match="If-Match" in request.headers)
        log_failure(problem, error)
        return answer(problem)

    @app.errorhandler(BadHeaderError)
    def bad_header(error: BadHeaderError) -> Response:
        return answer(error.problem)

    @app.errorhandler(HTTPException)
    def plain(error: HTTPException) -> Response:
        response = answer(of_status(error.code or FAILED.status, error.description))
        response.headers.update((name, value) for name, value in error.get_headers() if name != "Content-Type")
        return response

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        app.logger.error("a request failed", exc_info=error)
        return answer(FAILED)


# The life of a process.


class ProcessStore:
    """The store of whichever process asks: opened at its first use, one for all threads."""

    def __init__(self, app: Flask, open_store: Callable[[], StateStore]) -> None:
        """Serve *app* with stores that *open_store* opens."""
        self._open = open_store
        self._locks: dict[int, threading.Lock] = {}
        self._store: StateStore | None = None
        self._process: int | None = None
        app.extensions[EXTENSION] = self

    def _lock(self) -> threading.Lock:
        # A lock of each process: what a thread held when another one forked stays held in the child.
        return self._locks.setdefault(os.getpid(), threading.Lock())

    def get(self) -> StateStore:
        """Return this process's store."""
        with self._lock():
            if self._store is None or self._process != os.getpid():
                self._store, self._process = self._open(), os.getpid()
            return self._store

    def close(self, drain_seconds: float = DRAIN_SECONDS) -> None:
        """Drain this process's store, and close it, if it was opened."""
        with self._lock():
            store, self._store = self._store, None
            if store is None or self._process != os.getpid():
                return
        store.drain(drain_seconds)
        store.close()


def store_of_process() -> StateStore:
    """Return the store that serves the request under way."""
    stores = current_app.extensions[EXTENSION]
    assert isinstance(stores, ProcessStore)
    return stores.get()


def end(app: object) -> None:
    """Drain and close the store of *app* in this process: for gunicorn's ``worker_exit``, which may have no app yet."""
    if isinstance(app, Flask) and isinstance(stores := app.extensions.get(EXTENSION), ProcessStore):
        stores.close()
