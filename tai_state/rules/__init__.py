"""Pure decisions: what was read goes in, what is to be written comes out. No I/O, no clock, no randomness.

The rooms have the names of those in ``_async``, where the same protocol acts on what is decided here:

- ``records``: states and events as values, their documents, and the hash chain over them;
- ``locking``: leases, fences, reservations, and the wait-for graph;
- ``history``: the fold over events, snapshots and sealed segments;
- ``commits``: from a request to the one commit that makes it, and what became of one whose reply was lost;
- ``transactions``: several changes in one commit, and the reactions of dependents;
- ``recovery``: machines that run again over what was recorded.

``now``, ids and everything random are arguments. So every rule is tested without a store, and the same inputs give the
same writes in every process.
"""
