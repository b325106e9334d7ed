"""``adopt``: documents, rows or lines that are kept elsewhere become states, each once.

Each source is a command of its own; what they share is ``running``: the options that say what a row means, the run with
its progress, and what is told behind it. What is promised says ``tai_state.adoption``.

The exit code is 0 where every row has its state with the status and data that it says; 1 where one was refused, is
taken by another, has changed in the source since, or has none, and for a dry run that would adopt something. With
``--json`` the summary is one object with the first findings in it.
"""
