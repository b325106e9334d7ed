"""``demo``: workers that are killed at work, others that take over, and a proof that nothing was lost.

The plan: every governor makes a walk through one machine, the same in every process since its name is the
seed. A step's key and version are known beforehand, so that whoever takes over asks for the last step again and
goes on: nobody hands anything over, the store tells.

The crew: three lanes of governors, one worker process at a time in each. A doomed worker has a leash: after so
many acknowledged moves it waits until it is killed, so that SIGKILL always finds it at work, however slow the
machine. What it wrote to the pipe before outlives it; a line cut short is no acknowledgement.

The audit counts, and believes nobody: each acknowledged move is in the history, at the version and with the
status that was acknowledged; no key is there twice; the versions have no gap; the history is the walk; and
``validate_consistency`` finds nothing. Every number of the summary was counted there.

The summary ends with three commands to try next, whole command lines that work where the demo was run; ``--timeline``
shows each governor's way before it.

Exit code 0 when all moves were acknowledged and found exactly once, else 1. With ``--json`` the summary is one
object. Ctrl-C ends the workers, then the demo: 130. Without ``--store`` it works on a file of its own, and
``firestore://`` is always an emulator, never a real database.
"""
