"""The pages, a file for each subject; ``PAGES`` are all there are."""

from tai_state.server.console import login
from tai_state.server.console.routes import Page
from tai_state.server.console.views import (
    actions,
    governors,
    history,
    keys,
    locks,
    performance,
    recovery,
    states,
    subscriptions,
    work,
)

SUBJECTS = (login, governors, states, history, actions, recovery, locks, keys, work, subscriptions, performance)

PAGES: tuple[Page, ...] = tuple(page for subject in SUBJECTS for page in subject.pages.pages)
"""Every page and every form of the console, but for that of logging in."""
