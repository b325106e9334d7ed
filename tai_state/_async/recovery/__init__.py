"""Checks and repairs: every state held against its log and what is kept beside it, in bounded memory, beside writers.

Held at a time are the findings of one state, each with what should be there, and beside them what reports tell.

``walk`` is the one walk over a state that every check and every repair stands on: its document, its events, its
snapshots (``kept``) and its segments, judged by ``rules/recovery``. ``verify`` goes over a governor, or all of them;
``receipts`` and ``leases`` look at what stands beside the states.

``repair`` mends one finding in one commit, with its record, under the precondition that things are as they were found;
what ``witnesses`` tell of a state, receipts and dependents, is read once for a governor; ``recover`` goes over a
governor, or all of them, and looks again until nothing more can be done.

``migration`` is no repair: it brings sound data to the schema of today, by changes like any other.

``exporter`` writes what is carried (``rules/recovery/carried``) to a file, as of one moment for each state, beside
writers; ``importer`` makes it anew in another store, and never mixes two histories; ``export_file`` is the file.

What is found is found twice in a row before it is told: a state may have moved between two reads.
A check writes nothing.
"""
