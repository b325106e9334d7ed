# Generated from tai_state/_async/access/__init__.py by .ci/generate_sync.py; do not edit.
"""How everything else reaches a store.

``port`` is the narrow interface that a backend implements; each of its operations is tried once. ``access`` adds what a
caller expects: reads that are tried again with jitter until the deadline, pages, ids and a clock. ``retry`` is the one
retry loop. ``inflight`` counts the calls under way, so that a store can be drained in bounded time; ``turns`` lets
callers act one after the other, in the order in which they came, across threads and event loops.

Invariants: every wait is bounded by the caller's deadline, counted on one monotonic clock; an error that leaves this
room says that nothing was written.
"""
