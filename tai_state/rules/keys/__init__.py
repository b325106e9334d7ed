"""Keys: values by name, changed by operations that each are one change with its event.

A key is a state of a governor of its group's own, whose stored id begins with ``~``, and its value is the ``value`` of
the state's data: what holds for states holds for keys. They have no machine and no status.

1. An operation is a pure function: from the value that is there, or ABSENT, to the one that is to be, and to what its
   caller is told.
2. One that changes nothing (a comparison that does not hold, a pop of an empty list) writes nothing, is known by no
   idempotency key, and is decided upon a fresh read.
3. What a caller is told comes from the event of his own change, its value before and behind it, never from a later
   read: so callers whose changes go with one commit are each told their own, and so is who repeats a key.

Invariant: a group is exactly the states of its governor; no other group's, and no user's, are among them.
"""
