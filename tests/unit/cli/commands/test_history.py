"""``history``."""


def test_history_is_a_row_for_each_change(run):
    """Version, action, from and to, by whom and why."""
    rows = run("history", "house", "front").stdout.splitlines()
    assert rows[0].split("  ")[0] == "VERSION"
    assert rows[1].endswith("start   -> shut       ann")
    assert rows[2].endswith("open    shut -> open  bob  [b]hot\\n")


def test_history_is_given_in_pages(objects):
    """--after and --limit cut it by versions."""
    events = objects("history", "house", "front", "--after", "1", "--limit", "1")
    assert [(event["version"], event["action"], event["kind"]) for event in events] == [(2, "open", "transition")]


def test_history_behind_the_last_change_is_empty(run):
    """No change, no error."""
    assert run("history", "house", "front", "--after", "3").stdout == ""


def test_history_of_nothing_is_not_found(run):
    """A state that never was has no history."""
    run("history", "house", "never", code=1)
