"""``governors``, and what it shares with the other commands that read."""

from click.testing import CliRunner

from tai_state import SqliteStore
from tai_state.cli import main


def test_governors_are_listed(objects, odd):
    """Each governor is one object."""
    assert [found["governor_id"] for found in objects("governors")] == [odd, "house"]


def test_an_odd_id_is_shown_harmlessly(run, odd):
    """Control characters in ids and texts never reach the terminal."""
    for arguments in (["governors"], ["states", odd], ["show", odd, odd], ["history", odd, odd], ["stats", odd]):
        assert "\x1b" not in run(*arguments).stdout
        assert "\x07" not in run("--json", *arguments).stdout
    assert "a/b \\x1b[31m é" in run("governors").stdout


def test_an_empty_store_says_so(tmp_path):
    """No governors: nothing on stdout, a word on stderr."""
    with SqliteStore(tmp_path / "empty.db") as store:
        assert not store.exists("g", "s")
    result = CliRunner().invoke(main, ["--store", f"sqlite:///{tmp_path}/empty.db", "governors"])
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no governors" in result.stderr
