# Generated from tests/_async/api/test_store_authors.py by .ci/generate_sync.py; do not edit.
"""No change is without an author: the argument, the context, the store's actor, the host."""
import getpass

import pytest
from pydantic import ValidationError

from tai_state import ChangeMetadata, InvalidDataError, change_context
from tests._sync.stores import in_memory


def author(store):
    metadata = (store.get_state("g", "s"))[0].metadata
    return metadata.changed_by, metadata.reason, metadata.context


def test_the_argument_goes_first(store):
    """Metadata of the change itself wins over context and actor."""
    with change_context(changed_by="context", reason="around"):
        store.save_state("g", "s", {}, ChangeMetadata(changed_by="argument", reason="own"))
    assert author(store) == ("argument", "own", {})


def test_the_context_goes_before_the_actor(store):
    """Inside the block the context signs, behind it the actor again."""
    with change_context(changed_by="context", reason="around", context={"ticket": 1}):
        store.save_state("g", "s", {})
    assert author(store) == ("context", "around", {"ticket": 1})
    store.save_state("g", "s", {})
    assert author(store) == ("tester", "", {})


def test_the_argument_is_completed_by_the_context(store):
    """What the metadata leaves open, the context gives; context maps merge, the metadata's going first."""
    with change_context(changed_by="context", reason="around", context={"a": 1, "b": 1}):
        store.save_state("g", "s", {}, ChangeMetadata(changed_by="argument", context={"b": 2, "c": 2}))
    assert author(store) == ("argument", "around", {"a": 1, "b": 2, "c": 2})


def test_contexts_nest(store):
    """The inner one goes first, what it leaves open comes from the outer one, and each ends with its block."""
    with change_context(changed_by="outer", reason="outer", context={"a": 1, "b": 1}):
        with change_context(changed_by="inner", context={"b": 2}):
            store.save_state("g", "s", {})
            assert author(store) == ("inner", "outer", {"a": 1, "b": 2})
        store.save_state("g", "s", {})
        assert author(store) == ("outer", "outer", {"a": 1, "b": 1})


def test_a_context_without_an_author_leaves_the_actor(store):
    """A reason alone does not sign."""
    with change_context(reason="around"):
        store.save_state("g", "s", {})
    assert author(store) == ("tester", "around", {})


def test_a_context_ends_with_an_exception(store):
    """What is raised inside passes, and the context is gone."""

    def fail():
        with change_context(changed_by="context"):
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    store.save_state("g", "s", {})
    assert (author(store))[0] == "tester"


def test_every_kind_of_change_is_signed(store):
    """Save, update and delete alike."""
    with change_context(changed_by="context"):
        store.save_state("g", "s", {})
        store.update_state("g", "s", {"n": 1}, 1)
        store.delete_state("g", "s")
    authors = [event.metadata.changed_by for event in store.get_events("g", "s")]
    assert authors == ["context"] * 3


@pytest.mark.parametrize("variable", ["K_SERVICE", "CLOUD_RUN_JOB"])
def test_on_cloud_run_the_service_signs(place, monkeypatch, variable):
    """Where nobody is named, the service or job is the author."""
    monkeypatch.setenv(variable, "billing")
    store = place.store(actor=None)
    store.save_state("g", "s", {})
    assert (author(store))[0] == "billing"


def test_elsewhere_the_user_signs(place, monkeypatch):
    """Where nobody is named and there is no service, the user of the process is the author."""
    monkeypatch.delenv("K_SERVICE", raising=False)
    monkeypatch.delenv("CLOUD_RUN_JOB", raising=False)
    store = place.store(actor=None)
    store.save_state("g", "s", {})
    assert (author(store))[0] == getpass.getuser()


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"changed_by": ""}, "metadata.changed_by"),
        ({"changed_by": 1}, "metadata.changed_by"),
        ({"changed_by": "\ud800"}, "metadata.changed_by"),
        ({"reason": b"x"}, "metadata.reason"),
        ({"context": {"a": (1,)}}, "metadata.context.a"),
        ({"context": 5}, "metadata.context"),
        ({"context": "text"}, "metadata.context"),
    ],
    ids=str,
)
def test_a_context_that_cannot_be_stored_is_refused(options, path):
    """At the start of the block, naming what is wrong."""
    with pytest.raises(InvalidDataError) as caught, change_context(**options):
        pass
    assert caught.value.path == path


@in_memory
def test_metadata_that_is_none_is_refused(place):
    """A dict or a text is no ChangeMetadata, and nothing is sent."""
    store, backend = place.counting()
    for wrong in ({"changed_by": "ann"}, "ann"):
        with pytest.raises(InvalidDataError) as caught:
            store.save_state("g", "s", {}, wrong)
        assert caught.value.path == "metadata"
    assert backend.calls == []


def test_metadata_without_an_author_cannot_be_made():
    """The model itself refuses an empty author."""
    with pytest.raises(ValidationError):
        ChangeMetadata(changed_by="")
