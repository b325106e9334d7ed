"""``python -m tai_state`` is ``tai-state``."""

from tai_state.cli import main

if __name__ == "__main__":
    main(prog_name="tai-state")
