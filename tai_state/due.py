"""What is due: timers of states, by the store's clock.

``Timeout`` says what becomes of a state that stays in a status. It is part of the machine: of its checks, its file,
its fingerprint and its diagram. ``Machine(..., timeouts={"boot": Timeout(timedelta(seconds=30), "fail")})``
"""

from tai_state.machine.timeouts import Timeout

__all__ = ["Timeout"]
