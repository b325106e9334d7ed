"""What is written of a state that is erased: values go, up to a version, and what tells of them stays."""

from dataclasses import replace

import pytest

from tai_state.codec import EMPTY, NULL
from tai_state.documents import Document
from tai_state.layout import state_layout
from tai_state.rules.history.segments import Segment, build_segment, read_segment
from tai_state.rules.records.chain import event_hash, seal_is_sound
from tai_state.rules.records.documents import event_fields
from tai_state.rules.records.erased import erased, is_erased
from tai_state.rules.recovery.erasure import Erasure, erased_event, erased_segment, is_about
from tai_state.rules.recovery.retention import compacted
from tests.unit.records.test_fields import AS_IT_IS, BEFORE, EVENT, LATER, NOW

PATHS = state_layout("g", "s")


def run(*versions):
    """Return events of some versions, as whole as the sample is."""
    return tuple(replace(EVENT, version=version) for version in versions)


def test_an_erased_event_has_its_hash_and_no_value():
    """Its digests are what they were, and its seal is sound."""
    gone = erased(EVENT)
    assert is_erased(gone)
    assert event_hash(gone) == event_hash(EVENT)
    assert seal_is_sound(gone)
    assert (gone.payload, gone.from_state, gone.to_state) == (NULL, EMPTY, EMPTY)
    assert erased(replace(EVENT, from_state=NULL)).from_state == NULL
    assert (gone.metadata.changed_by, gone.metadata.reason, gone.metadata.context) == ("", "", EMPTY)
    assert (gone.last_error, gone.idempotency_key, gone.seal.salt if gone.seal else "") == (None, None, None)


def test_an_event_keeps_the_time_of_its_commit():
    """Where its document says it: one that was restored, or came by an import."""
    fields = event_fields(EVENT, AS_IT_IS)
    for added in ({}, {"committed_at": LATER}):
        put = erased_event(Document(PATHS.event(1), {**fields, **added}, NOW, NOW), EVENT, AS_IT_IS)
        assert put is not None
        assert put.fields.get("committed_at") == added.get("committed_at")


@pytest.mark.parametrize("event", [erased(EVENT), BEFORE], ids=["erased", "of layout 1"])
def test_what_cannot_or_need_not_be_erased_is_not_written(event):
    """What is gone already, and what has no salt."""
    document = Document(PATHS.event(1), event_fields(event, AS_IT_IS), NOW, NOW)
    assert erased_event(document, event, AS_IT_IS) is None


@pytest.mark.parametrize("through", [3, 4, 5, 6])
def test_a_segment_is_erased_up_to_a_version(through):
    """That one, too; what is behind it stays."""
    made = build_segment(PATHS, run(4, 5))
    assert made is not None
    assert made.write is not None
    document = Document(made.write.path, dict(made.write.fields), NOW, NOW)
    puts = erased_segment(PATHS, document, read_segment(document, EVENT.governor_id, EVENT.state_id), through)
    if through < 4:
        assert puts == []
        return
    (put,) = puts
    after = read_segment(Document(put.path, dict(put.fields), NOW, NOW), EVENT.governor_id, EVENT.state_id)
    assert [is_erased(event) for event in after.events] == [True, through > 4]


def test_a_run_that_contradicts_itself_is_not_left_alone():
    """Whatever its documents say, or where there are none."""
    broken = Segment(4, 5, events=(EVENT, replace(EVENT, version=9)))
    assert compacted(broken, {}, PATHS) is None


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"state_id": "s"}, True),
        ({"state_id": "other", "path": "governors/g/events/s@0000000000000000001"}, True),
        ({"state_id": "", "path": "governors/g/states/s"}, True),
        ({"state_id": "other", "path": "governors/g/events/s2@0000000000000000001"}, False),
        ({"state_id": "other", "path": "governors/g/states/r"}, False),
        ({"state_id": "other", "path": "governors/g/states/t"}, False),
        ({"state_id": "other", "path": "governors/h/events/s@0000000000000000001"}, False),
        ({"state_id": "other", "path": "locks/s"}, False),
        ({"state_id": None, "path": None}, False),
    ],
)
def test_what_a_record_is_about(fields, expected):
    """The state that it names, or the document."""
    assert is_about(fields, PATHS) is expected


@pytest.mark.parametrize(
    ("through", "version", "message"), [(7, 7, "erased up to version 7"), (0, None, "the governor is erased")]
)
def test_the_record_of_an_erasure_tells_how_far_it_went(through, version, message):
    """The last version whose values went; of a governor that is nothing that one version tells."""
    told = Erasure("s", through, "ann", "she asked", NOW, "a-1").audit_put("audit", PATHS.state).fields
    assert (told["version"], told["message"], told["changed_by"]) == (version, message, "ann")
    assert (told["before"], told["after"]) == (None, None)
