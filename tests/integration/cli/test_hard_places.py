"""Every command on a disk that is full, and on one that is read-only: one line each, and the right exit code."""

import json
import re
import sys
from pathlib import Path

import pytest

from tests.integration.cli.mounts import needs_mounts, run_with_mounts
from tests.unit.cli.calls import CALLS, make_files, of_kinds

# One process for all calls, each of which would take a third of a second of its own.
TRY = """
import json, os, sys
from click.testing import CliRunner
from tai_state.cli import main
sys.path.insert(0, os.getcwd())
for name, words in json.loads(sys.argv[1]).items():
    done = CliRunner().invoke(main, ["--store", "sqlite:///hard/s.db", "--json", *words])
    is_ours = done.exception is None or isinstance(done.exception, SystemExit)
    error = done.stderr if is_ours else repr(done.exception)
    print(json.dumps([name, done.exit_code, error.splitlines()]))
"""
FULL = 'mount -t tmpfs -o size=96k tmpfs hard && cp s.db hard && { cat /dev/zero > hard/zero; "$@"; } 2>/dev/null'
STILL = 'mount -t tmpfs tmpfs hard && cp s.db hard && mount -o remount,ro hard && "$@" 2>/dev/null'


@pytest.fixture
def tried(tmp_path):
    """Call commands beside a file system that a script makes hard to live on; return what each said."""
    make_files(tmp_path)
    (tmp_path / "hard").mkdir()

    def tried(script, calls):
        program = [sys.executable, "-c", TRY, json.dumps(calls)]
        done = run_with_mounts(script, *program, folder=tmp_path)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert [name for name, _, _ in lines] == list(calls), done.stderr
        return {name: (code, said) for name, code, said in lines}

    return tried


def check_refused(told):
    """Each is one line of JSON that names what is wrong, and where."""
    for name, (code, said) in told.items():
        assert code in {1, 3}, (name, code, said)
        assert len(said) == 1, (name, said)
        assert json.loads(said[0])["message"], name


def onto(folder, name):
    """Return the call of a command whose file goes to *folder*."""
    return [str(Path(folder) / word) if word.startswith("copy.") else word for word in CALLS[name].words]


@needs_mounts
def test_a_read_only_disk_is_read_and_not_changed(tried):
    """What only reads works there; what changes something, or writes its file there, is told that it cannot."""
    reads = {name: onto(".", name) for name in of_kinds("reads")}
    changes = {name: CALLS[name].words for name in of_kinds("changes", "makes")}
    writes = {f"{name} there": onto("hard", name) for name in ("backup", "export")}
    told = tried(STILL, reads | changes | writes)
    assert {name: told[name] for name in reads if told[name][0]} == {}
    check_refused({name: told[name] for name in (*changes, *writes)})


@needs_mounts
def test_a_full_disk_is_told(tried):
    """At once, by whatever needs room on it: readers do, too, for what they share with writers beside the file."""
    calls = {name: onto("hard", name) for name in of_kinds("reads", "changes", "makes")}
    told = tried(FULL, calls)
    check_refused(told)
    assert {name: said for name, (_, said) in told.items() if not re.search("full|space", said[0])} == {}
