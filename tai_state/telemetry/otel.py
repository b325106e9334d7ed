"""Spans and metrics of a store for OpenTelemetry; needs its API alone: ``pip install tai_state[otel]``.

    from tai_state.telemetry.otel import OpenTelemetry
    from tai_state.telemetry import observe

    observe(store, OpenTelemetry())

An operation is a span, ``tai_state.transition``, beneath the span that is current when it begins. Where they go is for
the program to say, by the SDK and the exporter that it installs; where it installs none, nothing is written.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Literal

from opentelemetry.metrics import get_meter_provider
from opentelemetry.trace import SpanKind, Status, StatusCode, get_tracer_provider

from tai_state.errors import ConfigurationError
from tai_state.observers import Observer

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import Span, TracerProvider

    from tai_state.observers import HeldLock, Operation, Request

COUNTED = ("commits", "conflicts", "unavailable", "ambiguous", "ambiguous_resolved")
"""What a span tells of its operation, and a counter of all of them."""

BILLED = ("documents_read", "documents_written", "documents_deleted")
"""What Firestore bills: of an operation in its span, of all requests in counters."""

_DIGEST_BYTES = 8


class OpenTelemetry(Observer):
    """Writes each operation of a store as a span, and counts and measures all of them."""

    def __init__(
        self,
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        governor: Literal["off", "hashed"] = "off",
        salt: bytes = b"",
    ) -> None:
        """Write by the providers given, or by the program's global ones.

        Args:
            governor: Whether spans tell apart governors, by a digest of their id under *salt*; never in metrics, and
                never as it is, since an id may be a person's name.
            salt: At most 64 bytes that nobody else knows: without them whoever guesses an id can tell that it was it.

        Raises:
            ConfigurationError: *governor* is another word, or *salt* is too long.
        """
        if governor not in {"off", "hashed"}:
            message = f"governor is 'off' or 'hashed', not {governor!r}"
            raise ConfigurationError(message)
        if len(salt) > hashlib.blake2b.MAX_KEY_SIZE:
            message = f"salt has at most {hashlib.blake2b.MAX_KEY_SIZE} bytes"
            raise ConfigurationError(message)
        self._tracer = (tracer_provider or get_tracer_provider()).get_tracer("tai_state")
        self._salt = salt if governor == "hashed" else None
        # Of no lock: each operation is begun and ended once, by its own caller.
        self._spans: dict[Operation, Span] = {}
        meter = (meter_provider or get_meter_provider()).get_meter("tai_state")
        self._durations = meter.create_histogram("tai_state.operation.duration", "s", "How long operations took")
        self._counters = {
            name: meter.create_counter(f"tai_state.{name}", "1", f"{name.replace('_', ' ')} of operations")
            for name in COUNTED
        }
        self._billed = {
            name: meter.create_counter(f"tai_state.{name}", "1", f"{name.replace('_', ' ')}, the background's included")
            for name in BILLED
        }
        self._commit_bytes = meter.create_histogram("tai_state.commit.size", "By", "Bytes of a commit, about")
        self._lock_waits = meter.create_histogram("tai_state.lock.wait", "s", "How long locks were waited for")
        self._lock_holds = meter.create_histogram("tai_state.lock.hold", "s", "How long locks were held")

    def operation_began(self, operation: Operation) -> None:
        """Begin its span."""
        attributes = {"tai_state.operation": operation.name, "tai_state.backend": operation.backend}
        if self._salt is not None and operation.governor_id is not None:
            digest = hashlib.blake2b(operation.governor_id.encode(), digest_size=_DIGEST_BYTES, key=self._salt)
            attributes["tai_state.governor"] = digest.hexdigest()
        # Not made the current one: what a guard or a reducer does inside is the caller's own affair.
        span = self._tracer.start_span(f"tai_state.{operation.name}", kind=SpanKind.CLIENT, attributes=attributes)
        self._spans[operation] = span

    def operation_ended(self, operation: Operation) -> None:
        """End its span, and count it."""
        span = self._spans.pop(operation, None)
        if span is not None:
            for name in (*COUNTED, *BILLED, "bytes_written"):
                span.set_attribute(f"tai_state.{name}", getattr(operation, name))
            if operation.error is not None:
                # The code alone: an error's text tells of what was asked.
                span.set_attribute("error.type", operation.error)
                span.set_status(Status(StatusCode.ERROR, operation.error))
            span.end()
        labels: dict[str, Any] = {"tai_state.operation": operation.name, "tai_state.backend": operation.backend}
        self._durations.record(operation.seconds, labels | {"error.type": operation.error or "none"})
        for name, counter in self._counters.items():
            if count := getattr(operation, name):
                counter.add(count, labels)
        if operation.name == "acquire":
            self._lock_waits.record(operation.seconds, {"tai_state.backend": operation.backend})

    def request_ended(self, request: Request, operation: Operation | None) -> None:
        """Count what is billed of it, also where it was made in the background."""
        del operation
        labels = {"tai_state.backend": request.backend}
        for name, counter in self._billed.items():
            if count := getattr(request.billed, name):
                counter.add(count, labels)
        if request.billed.bytes_written:
            self._commit_bytes.record(request.billed.bytes_written, labels)

    def lock_ended(self, lock: HeldLock) -> None:
        """Measure for how long it was held."""
        self._lock_holds.record(lock.seconds, {"tai_state.backend": lock.backend, "tai_state.lost": lock.is_lost})
