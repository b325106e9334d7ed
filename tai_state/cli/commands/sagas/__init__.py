"""``sagas``: how far the sagas of a governor have come, and what to do where one needs somebody.

``list`` shows them, by status, and ``show`` one with its steps and every error. ``retry`` lets one go on at once, or
tries again what could not be compensated; ``compensate`` lets one turn back. What runs the steps is the program that
has their functions: nothing of that is done here.

With ``--json`` a saga is an object with the fields of ``SagaState``.
"""
