# Generated from tai_state/_async/locking/__init__.py by .ci/generate_sync.py; do not edit.
"""The lock protocol: leases that the store itself enforces.

A caller's way: ``acquire`` looks and takes, all or none in one commit; ``waiting`` waits in line, woken by the store;
``deadlocks`` gives one victim up where all would wait for ever; ``lock`` is the lease in hand, renewed by a heartbeat;
``fence`` makes it the guard of a commit; ``registry`` knows what this process holds.

Cases of an acquire:

1. held and not expired: wait, until the time is over (``LockTimeoutError``);
2. free, expired or never taken: one compare-and-set; who loses it looks again;
3. a lost reply: recognised by the nonce; what cannot be told is given back, or ends with its ttl;
4. passed over by somebody who came later: reserve to be the next.

Trust, in ``trust_window``: a holder trusts a lease for its ttl from before the request was sent, less a margin, on
its own monotonic clock. It ends once, with a reason (released, expired, stolen, broken, unreachable), and stays ended.

Invariants:

1. Two holders never trust at once: the store's window is longer than the holder's.
2. A write with ``lock=`` carries the lease in its own commit: a holder who was replaced is refused by the store.
3. Heartbeat and guarded commits of one handle take turns, so no renewal makes a commit fail.
4. Leaving a block never masks its exception, and a loss inside it is reported.
"""
