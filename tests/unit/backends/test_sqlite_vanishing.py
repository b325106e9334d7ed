"""The SQLite file goes away between any two steps that open it: told as that, whoever opened it and what for."""

import pytest

from tai_state._sync.backends.sqlite import SqliteBackend
from tai_state.backends.sqlite import schema, store_clock
from tai_state.backends.sqlite.patience import deadline_in
from tai_state.documents import DocumentPath, Put
from tai_state.errors import StoreReplacedError, StoreUnavailableError

AT = DocumentPath("governors/g/states", "s")


def commit(backend):
    return backend.commit([Put(AT, {"n": 2})], timeout=5)


def get(backend):
    return backend.get(AT, timeout=5)


def scan(backend):
    return list(backend.scan("governors/g/states", timeout=5))


def tell_time(backend):
    return backend.server_time(timeout=5)


def watch(backend):
    return backend._engine.data_version(deadline=deadline_in(5))


@pytest.fixture
def path(tmp_path):
    """Where the store's file is."""
    return tmp_path / "store.db"


@pytest.fixture
def backend(path):
    """A store that was used, and has no connection open now."""
    with_file = SqliteBackend(path)
    with_file.commit([Put(AT, {"n": 1})], timeout=5)
    with_file._engine.hold_for_fork()()
    yield with_file
    with_file.close()


def take_away(monkeypatch, path, mode, moment):
    """Have the file go just before or just after it is next opened in *mode*."""
    connect = schema.Place.connect

    def meddled(self, wanted):
        if wanted != mode:
            return connect(self, wanted)
        monkeypatch.setattr(schema.Place, "connect", connect)
        if moment == "before":
            path.unlink()
        connection = connect(self, wanted)
        if moment == "after":
            path.unlink()
        return connection

    monkeypatch.setattr(schema.Place, "connect", meddled)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("call", [commit, get, scan, tell_time, watch])
def test_a_fork_s_child_is_told(backend, path, monkeypatch, call, moment):
    """It opens all anew, and knows which file its parent had."""
    backend._engine._session.pid = -1
    take_away(monkeypatch, path, "rw", moment)
    with pytest.raises(StoreReplacedError, match=r"store\.db was removed"):
        call(backend)
    assert not path.exists()


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("call", [commit, get, scan, watch])
def test_who_opens_one_connection_more_is_told(backend, path, monkeypatch, call, moment):
    """The writer, a reader, and who watches."""
    take_away(monkeypatch, path, "rw", moment)
    with pytest.raises(StoreReplacedError, match=r"store\.db was removed"):
        call(backend)
    assert not path.exists()


@pytest.mark.parametrize("call", [commit, get, scan])
def test_a_file_that_goes_while_its_clock_is_read_is_told(backend, path, monkeypatch, call):
    """The last step of opening, at which the connection is sound."""
    read_anchor = store_clock.read_anchor

    def meddled(*args):
        found = read_anchor(*args)
        path.unlink()
        return found

    backend._engine._session.pid = -1
    monkeypatch.setattr("tai_state.backends.sqlite.session.read_anchor", meddled)
    with pytest.raises(StoreReplacedError, match=r"store\.db was removed"):
        call(backend)


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("when", [("ro", "after"), ("rw", "before"), ("rw", "after")])
@pytest.mark.parametrize("call", [commit, get, scan, tell_time, watch])
def test_a_store_that_was_about_to_open_it_may_try_again(path, monkeypatch, call, when):
    """Nothing was acknowledged yet, so the next call makes a new file."""
    anew = SqliteBackend(path)
    take_away(monkeypatch, path, *when)
    with pytest.raises(StoreUnavailableError):
        call(anew)
    call(anew)
    anew.close()


@pytest.mark.parametrize("call", [commit, get])
def test_a_store_that_was_about_to_make_it_may_try_again(path, monkeypatch, call):
    """The new file went before it had its tables."""
    anew = SqliteBackend(path)
    take_away(monkeypatch, path, "rwc", "after")
    with pytest.raises(StoreUnavailableError):
        call(anew)
    call(anew)
    anew.close()


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("call", [commit, get])
def test_a_file_that_goes_once_it_is_found_sound_may_be_tried_again(path, monkeypatch, call):
    """Which file it was is not known yet."""
    prepare = schema.prepare

    def meddled(place):
        monkeypatch.setattr(schema, "prepare", prepare)
        prepare(place)
        path.unlink()

    monkeypatch.setattr(schema, "prepare", meddled)
    anew = SqliteBackend(path)
    with pytest.raises(StoreUnavailableError, match="removed while it was being opened"):
        call(anew)
    call(anew)
    anew.close()
