"""``locks``: who holds what, who waits for whom, and the end of a lock by force.

``list`` shows every lock that has a holder, also one whose lease is past its time, which the next one to ask will
take; with ``--all`` those that are free, too. ``inspect`` shows one. ``break`` frees one: it takes the token of the
grant that is meant, so that nobody else's is ever broken, and a reason, and leaves a record in ``audit``.

Times are the store's. With ``--json`` a lock is an object with the fields of ``LockInfo`` and its ``waiters``, each
with those of ``LockWait``: who holds another lock meanwhile, or is next. Who waits for his first lock alone tells no
store.
"""
