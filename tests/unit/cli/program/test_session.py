"""What was said beside a command, and the settings that go with it."""

from dataclasses import replace

from tai_state import config
from tai_state.cli.program.session import Session


def test_settings_are_read_once_for_a_command(tmp_path, monkeypatch):
    """Wherever it asks for them: what a file says does not change in the middle."""
    path = tmp_path / "a.toml"
    path.write_text('store = "memory://"', encoding="utf-8")
    asked = []
    load = config.load

    def counted(path):
        asked.append(path)
        return load(path)

    monkeypatch.setattr(config, "load", counted)
    session = Session(config=str(path))
    assert [session.place, session.options["settings"].store, session.settings.store] == ["memory://"] * 3
    assert asked == [str(path)]
    assert replace(session, url="sqlite:///a.db").place == "sqlite:///a.db"
