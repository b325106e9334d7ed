# Generated from tai_state/_async/feeds/__init__.py by .ci/generate_sync.py; do not edit.
"""What has changed since: subscriptions, and containers of one value; the pure half is ``rules.feeds``.

A subscription tells handlers of each event, in the order of its state, and keeps its position in the store.

1. A pass visits each shard once (``subscription``). A look for what changed needs no lease (``search``); where there is
   something to do, one worker does it under the shard's lease (``visit``).
2. A state's events behind its position are delivered one by one (``delivery``): an attempt is counted, the handlers are
   called (``telling``), and the position moves, by compare-and-swap. Under ``exactly_once`` it moves in the commit of
   what the handlers wrote.
3. A failed event is tried again later, and put aside as a dead letter in the end. A letter that is retried is delivered
   by its state's position, or alone (``redelivery``).
4. The shard's position moves behind what is delivered, dead or pending, guarded by the lease.

Invariants: a position never passes an event that was neither told, nor passed over as nobody's, nor put aside. No two
commits move a position over one event. Nothing rests on a lease, nor on what a worker knows: they save work.

What people ask is in ``administration``; ``book`` reads and writes the documents of one subscription.
"""
