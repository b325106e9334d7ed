"""Replicas, decided: how two stores' versions of a state stand to each other, and what becomes of them.

1. Each store's line of a state stays contiguous and its chain linear. What another store has made of it stands verbatim
   in branches beside the line, under the store that made it and its version (``branches``).
2. Clocks tell which version knows of the other (``standing``). One that knows less goes on to the other: verbatim,
   where its head is in the other's line; else by a merge, an event with two parents.
3. Of concurrent versions the writes count that nobody has seen (``writes``): merges are passed through. So what becomes
   of them follows from the clock alone, whichever way the stores met, and two with equal clocks say the same.
4. A merge is counted by nobody: its clock is what both knew. So merges end.
"""
