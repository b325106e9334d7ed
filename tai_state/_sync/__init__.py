# Generated from tai_state/_async/__init__.py by .ci/generate_sync.py; do not edit.
"""The package's I/O, written once: the async source of both colours.

Each room acts on what the room of the same name in ``rules`` decides. A room imports from those below it:

    api             what users hold in their hands; ``connect`` alone names backends
    transactions    bodies run until one attempt is committed; cascades of dependents
    recovery        histories held against the states
    runtime         what everything above needs of one store
    locking         leases: acquire, wait, renew, release; the fence of a guarded commit
    commits         the write path, and the commit protocol under it
    history         reading what a state went through; sealing what is due
    access          the port, reads that are tried again, calls under way, turns
    backends        the port's implementations; they know nothing above it

``.ci/generate_sync.py`` writes the sync twin of every file; what differs in kind between the colours is in
``tai_state._platform``.
"""
