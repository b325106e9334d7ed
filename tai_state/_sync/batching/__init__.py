# Generated from tai_state/_async/batching/__init__.py by .ci/generate_sync.py; do not edit.
"""Batches: moves that many callers ask for, in commits of many states, each with its own outcome.

1. An item is a change from the moment it is put: its author, and what refuses it whatever is stored, are known then.
2. Items wait in the order in which they were put. Some of them are taken once they are ``max_items``, once the oldest
   has waited for ``max_wait``, and when a flush or the close asks for all: the oldest, and with it those of its state,
   which make one write of that; then the next oldest.
3. What was taken is made as ``transition_many`` makes it: a commit of many states, split where one of them conflicts;
   what has to go alone goes alone. Two batches are under way at once, of no state the same: items of a state that is in
   one wait until that is made, so that those of one state keep their order.
4. Each item's future has its outcome once it is durable, or refused. No item fails with another one.
5. Whoever puts waits while ``max_pending`` items have no outcome.

Invariant: an item is in the store, once, before its future has a result; what a crash takes has none.
"""
