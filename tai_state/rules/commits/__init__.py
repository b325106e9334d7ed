"""From a request to the one commit that makes it.

``kinds`` turns each kind of request into a ``Change``; ``decide`` holds it against what was read and returns the
``Plan`` of a commit, the ``Replay`` of an earlier one, or raises. One commit holds, all or none:

    states/{s}          unchanged since it was read, or not there yet
    events/{s}@{v+1}    must not exist
    receipts/{digest}   must not exist, or be the expired one; only with an idempotency key
    a guard's documents, unchanged; only with a guard (see ``guards``)
    snapshots, segments when due

Verdicts come in this order: receipt (the outcome of an earlier call, or a mismatch), fence, the mark of a
transaction over several stores, existence, expected version, what the machine allows, the machine's guard.

After a lost reply ``settle`` says what became of a plan, from the state and the event at its version as of one moment:

1. our transition id in the event: applied;
2. a foreign event: another writer won;
3. no event, the state where we found it: not applied, or not yet;
4. no event, the state moved below our version: never to be applied;
5. no event though the state is past it: nobody can tell.

Invariant: a plan's preconditions name what it was decided on, so it applies to that or not at all, and never twice.
"""
