"""What a state went through: the fold over its events, and what makes it cheap to read.

1. ``replay``: each event must follow from the one before (version, hash, status and data) and match its own hash;
   the first that does not ends the fold with a ``CorruptLogError`` that names its version.
2. ``snapshots``: the full state at every Nth version, written with the commit that reaches it, the newest K kept. A
   digest tells one that is damaged, and it is passed over.
3. ``segments``: a run of events, sealed in one compressed document once it is full. A segment holds every field of its
   events, so it can take their place. Where a history was trimmed, one without events stands for what is gone.

``lost`` decides what a damaged document still tells; ``damaged`` collects what a list of states could not read.

All of it is derived from the marks in the state document: nothing is scheduled anywhere, and what one process put off
the next one does. Maintenance never makes a change fail: what is too large or cannot be read is put off.
"""
