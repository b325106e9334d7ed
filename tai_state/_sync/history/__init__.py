# Generated from tai_state/_async/history/__init__.py by .ci/generate_sync.py; do not edit.
"""Reading what a state went through.

``log`` is the one reader of events: from sealed segments where there are some, from documents else, and the same either
way. ``reader`` folds them, and rebuilds a state from its newest sound snapshot and what follows;
``snapshots`` makes and lists snapshots; ``sealing`` reads the run of events that is due to be sealed.

Everything is read in bounded memory. A damaged snapshot or segment is passed over and logged; a gap or a damaged event
that nothing else covers is a ``CorruptLogError`` that names the version.
"""
