"""Locks are leases with a fencing token, and only the store's clock counts.

After Gray and Cheriton, Leases (1989); the token is Chubby's sequencer (Burrows, 2006), checked by the store itself.

``locks/{resource}`` holds one lease: holder, nonce, fencing token, ttl, renewals. The document is never deleted.

States of a lease, as of a read: *free* (no holder), *held* (``read_time <= update_time + ttl``), *expired* (later).

Invariants:

1. A grant raises the token by one and writes a nonce of its own; it is a compare-and-set on what was read.
2. Expiry compares two times of the store, never a client's with anything.
3. A renewal, and each guarded write, changes the document: a takeover makes every older precondition fail.
4. A state keeps the highest token of each lock that wrote it (``fences``); a lower one is refused, even after a
   restore.
5. Releasing clears the holder; breaking takes the nonce away too, so that its holder knows it no more.

``leases`` decides grants and losses, ``fence`` what a guarded commit carries, ``reservations`` who is next,
``deadlocks`` who waits for whom: a cycle counts when one consistent read confirms all of it, and its greatest nonce is
the one victim.
"""
