# Generated from tai_state/_async/transactions/__init__.py by .ci/generate_sync.py; do not edit.
"""Transactions: a body runs, optimistically, until one attempt of it is committed.

``run`` repeats a body until it is committed or its time is over; ``attempt`` is what one run of the body reads and
writes; ``lost`` finds by their logs the states whose documents are missing or damaged; ``held`` settles what was left
by a transaction over several stores; ``cascade`` adds what dependents do; ``reactions`` makes a persister's change,
alone where it concerns nobody else.

One attempt:

1. reads are as of one moment, the first read's, and cost what is new: the engine reads the past, or, where it cannot
   and something new was changed since, all is read again, and a change makes the attempt stale, whatever the body
   makes of the error;
2. writes wait; reads after writes see them;
3. then one commit: what was written, a check of what was only read, the guard, and ``transactions/{id}``;
4. a conflict runs the body again on fresh reads, with full jitter;
5. an exception of the body passes through, once it is sure that what it saw was so; nothing was written.

Nothing is locked while a body runs. Under an idempotency key the record is the receipt: a repetition returns what the
first one returned.
"""
