"""``ingest``: a log of status changes becomes history, each line exactly once.

The nth line of a machine becomes its version n: that number is all that is needed to know a line again, so there is
no bookmark that could be lost or wrong. Two passes over the file, which is why a pipe is copied to a temporary file:

The time of a line is its event's own, so that the times of a machine may not run back; with --allow-unordered it is
kept beside it, as ``occurred_at``, which orders nothing. A time without an offset needs --timezone, and one that a
clock showed twice, or never, is not guessed.

1. Checking (``source``, ``lines``, ``sequence``, ``moves``): each line by itself, then against the line before it of
   the same machine, then against the machine file if there is one. Bad lines are all counted and the first ones
   named; one bad line, or a gzip without its end, and nothing is written, not even the store's file. Memory
   grows with the machines, not with the lines.
2. Applying (``applying``): a window of lines at a time, machines side by side, the lines of one in order, each
   expecting the version before its own.

Then one of three holds for a line:

- the store is not there yet: it is written, and counted as applied;
- the store has its version, and the event says what the line says: counted as already there;
- the store has another change at its version, or lacks an event below the state's version: a conflict, with the
  line's number; what came before it stays.

So a run that was killed, interrupted (130) or refused by the store (3) is simply run again, and two runs at
once apply each line once. Exit code 1 for bad lines and conflicts. With ``--json`` the summary is one object:
file, lines, machines, applied, already_there, seconds, lines_per_second.
"""
