"""Broken backends, each with the test of the conformance suite that must catch it.

What they do wrong is all that they define.
"""

import threading
from abc import abstractmethod
from dataclasses import replace
from datetime import UTC, datetime

from tai_state._platform.tasks import sleep
from tai_state._sync.backends.memory import MemoryBackend
from tai_state.documents import (
    UPDATE_TIME,
    Capability,
    Check,
    CommitResult,
    Delete,
    MustExist,
    MustNotExist,
    Put,
    UpdatedAt,
)
from tai_state.errors import ConflictError, DocumentTooLargeError, StoreError
from tai_state.testing._sync.conformance import preconditions, values
from tai_state.testing._sync.conformance.base import path

AT = preconditions.AT


class AppliesWritesOneByOne(MemoryBackend):
    def commit(self, writes, *, timeout):
        results = [super(AppliesWritesOneByOne, self).commit([write], timeout=timeout) for write in writes]
        return CommitResult(
            results[-1].commit_time, {path: at for one in results for path, at in one.update_times.items()}
        )


class IgnoresPreconditions(MemoryBackend):
    """Drops the preconditions of one kind, on Puts and Deletes."""

    ignored: type

    def commit(self, writes, *, timeout):
        kept = []
        for write in writes:
            is_ignored = isinstance(write.precondition, self.ignored) and not isinstance(write, Check)
            kept.append(replace(write, precondition=None) if is_ignored else write)
        return super().commit(kept, timeout=timeout)


class IgnoresMustNotExist(IgnoresPreconditions):
    ignored = MustNotExist


class IgnoresMustExist(IgnoresPreconditions):
    ignored = MustExist


class IgnoresUpdatedAt(IgnoresPreconditions):
    ignored = UpdatedAt


class IgnoresChecks(MemoryBackend):
    def commit(self, writes, *, timeout):
        return super().commit([one for one in writes if not isinstance(one, Check)], timeout=timeout)


class RaisesTheWrongError(MemoryBackend):
    def commit(self, writes, *, timeout):
        try:
            return super().commit(writes, timeout=timeout)
        except ConflictError as error:
            raise StoreError(str(error)) from error


class TakesAPathTwice(MemoryBackend):
    def commit(self, writes, *, timeout):
        return super().commit(list({write.path: write for write in writes}.values()), timeout=timeout)


class ChangesWhatItReads(MemoryBackend):
    """The base of backends that hand out something else than what is stored."""

    @abstractmethod
    def changed(self, document):
        """Return what is handed out in the place of *document*."""

    def get_many(self, paths, *, timeout, consistent=True, at=None):
        read = super().get_many(paths, timeout=timeout, consistent=consistent, at=at)
        return replace(read, documents={place: self.changed(one) for place, one in read.documents.items()})

    def scan(self, collection, *, start=None, stop=None, limit=None, timeout):
        for document in super().scan(collection, start=start, stop=stop, limit=limit, timeout=timeout):
            yield self.changed(document)


class NeverMovesTheUpdateTime(ChangesWhatItReads):
    def changed(self, document):
        return replace(document, update_time=document.create_time)


class LosesMicroseconds(ChangesWhatItReads):
    def changed(self, document):
        return replace(document, update_time=document.update_time.replace(microsecond=0))


class HandsOutItsOwn(ChangesWhatItReads):
    def __init__(self):
        super().__init__()
        self._handed_out = {}

    def changed(self, document):
        return self._handed_out.setdefault((document.path, document.update_time), document)


class KeepsTheCallersDict(ChangesWhatItReads):
    def __init__(self):
        super().__init__()
        self._given = {}

    def commit(self, writes, *, timeout):
        result = super().commit(writes, timeout=timeout)
        self._given |= {one.path: one.fields for one in writes if isinstance(one, Put)}
        return result

    def changed(self, document):
        return replace(document, fields=self._given[document.path])


class MakesIntsOfFloats(ChangesWhatItReads):
    def changed(self, document):
        return replace(document, fields=_whole(document.fields))


def _whole(value):
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


class KeepsTheFirstCreateTime(ChangesWhatItReads):
    def __init__(self):
        super().__init__()
        self._created = {}

    def changed(self, document):
        return replace(document, create_time=self._created.setdefault(document.path, document.create_time))


class ReadsOneByOne(MemoryBackend):
    def get_many(self, paths, *, timeout, consistent=True, at=None):
        reads = []
        for place in paths:
            reads.append(super().get_many([place], timeout=timeout, consistent=consistent, at=at))
            sleep(0.001)
        found = {place: one for read in reads for place, one in read.documents.items()}
        return replace(reads[-1], documents=found)


class ReadsThePast(MemoryBackend):
    """Answers from what it read the last time."""

    def __init__(self):
        super().__init__()
        self._read = {}

    def get_many(self, paths, *, timeout, consistent=True, at=None):
        key = tuple(paths)
        fresh = super().get_many(paths, timeout=timeout, consistent=consistent, at=at)
        stale = self._read.get(key, fresh)
        self._read[key] = fresh
        return stale


class TellsThePresentForThePast(MemoryBackend):
    """Does not say that it cannot read an earlier moment."""

    def get_many(self, paths, *, timeout, consistent=True, at=None):
        return super().get_many(paths, timeout=timeout, consistent=consistent)


class ChecksBeforeItLocks(MemoryBackend):
    """Compares first and writes later, with others in between."""

    def commit(self, writes, *, timeout):
        for write in writes:
            super().commit([Check(write.path, write.precondition)] if write.precondition else [], timeout=timeout)
        sleep(0.001)
        return super().commit([replace(write, precondition=None) for write in writes], timeout=timeout)


class ScansUnsorted(MemoryBackend):
    def scan(self, collection, *, start=None, stop=None, limit=None, timeout):
        found = list(super().scan(collection, start=start, stop=stop, timeout=timeout))
        yield from found[::-1][:limit]


class SortsAsUtf16(MemoryBackend):
    def scan(self, collection, *, start=None, stop=None, limit=None, timeout):
        found = list(super().scan(collection, start=start, stop=stop, limit=limit, timeout=timeout))
        yield from sorted(found, key=lambda one: one.path.id.encode("utf-16-be"))


class IncludesTheStop(MemoryBackend):
    def scan(self, collection, *, start=None, stop=None, limit=None, timeout):
        last = None if stop is None else f"{stop}\0"
        return super().scan(collection, start=start, stop=last, limit=limit, timeout=timeout)


class ScansOnePage(MemoryBackend):
    def scan(self, collection, *, start=None, stop=None, limit=None, timeout):
        return super().scan(collection, start=start, stop=stop, limit=min(limit or 1_000, 1_000), timeout=timeout)


class ForgetsParents(MemoryBackend):
    def scan_ids(self, collection, *, start=None, limit=None, timeout):
        for document in self.scan(collection, start=start, limit=limit, timeout=timeout):
            yield document.path.id


class TakesTrueForOne(MemoryBackend):
    def query(self, query, *, limit=None, timeout):
        found = 0
        for document in self.scan(query.collection, timeout=timeout):
            matches = all(document.fields.get(one.name, ...) == one.value for one in query.equal)
            if matches and (limit is None or found < limit):
                found += 1
                yield document


class LimitsBeforeItMatches(MemoryBackend):
    def query(self, query, *, limit=None, timeout):
        ids = {one.path.id for one in self.scan(query.collection, limit=limit, timeout=timeout)}
        for document in super().query(query, timeout=timeout):
            if document.path.id in ids:
                yield document


class GoesOnByTheValueAlone(MemoryBackend):
    def query(self, query, *, limit=None, timeout):
        after = query.after and replace(query.after, path=path("\U0010ffff"))
        return super().query(replace(query, after=after), limit=limit, timeout=timeout)


class SortsPathsByTheirText(MemoryBackend):
    def query(self, query, *, limit=None, timeout):
        found = list(super().query(query, timeout=timeout))
        if query.within is not None:
            name = query.within.name
            found.sort(key=lambda one: (one.fields[name], str(one.path)), reverse=query.is_descending)
        yield from found[:limit]


class FindsWhatBegins(MemoryBackend):
    def query(self, query, *, limit=None, timeout):
        if query.contains is None:
            yield from super().query(query, limit=limit, timeout=timeout)
            return
        name, asked = query.contains.name, query.contains.value
        for document in super().query(replace(query, contains=None), timeout=timeout):
            items = document.fields.get(name)
            if isinstance(items, list) and any(isinstance(item, str) and item.startswith(asked) for item in items):
                yield document


class CountsFromTheBeginning(MemoryBackend):
    def count(self, query, *, timeout):
        return super().count(replace(query, after=None), timeout=timeout)


class OrdersChangesByPath(MemoryBackend):
    def query(self, query, *, limit=None, timeout):
        found = list(super().query(query, timeout=timeout))
        if query.within is not None and query.within.name == UPDATE_TIME:
            found.sort(key=lambda one: str(one.path), reverse=query.is_descending)
        yield from found[:limit]


class ForgetsStamps(MemoryBackend):
    def commit(self, writes, *, timeout):
        return super().commit([_stamped(one, None) for one in writes], timeout=timeout)


class StampsWhatNeedsNone(MemoryBackend):
    def commit(self, writes, *, timeout):
        some = next((one.stamped for one in writes if isinstance(one, Put) and one.stamped), None)
        return super().commit([_stamped(one, some) for one in writes], timeout=timeout)


def _stamped(write, name):
    return replace(write, stamped=name) if isinstance(write, Put) else write


class FoldsCase(MemoryBackend):
    def commit(self, writes, *, timeout):
        lower = [replace(one, path=one.path._replace(id=one.path.id.lower())) for one in writes]
        return super().commit(lower, timeout=timeout)


class FindsTheDocumentTooLargeTooLate(MemoryBackend):
    def commit(self, writes, *, timeout):
        try:
            return super().commit(writes, timeout=timeout)
        except DocumentTooLargeError:
            super().commit(writes[:1], timeout=timeout)
            raise


class LetsItsClockRunBack(MemoryBackend):
    def server_time(self, *, timeout):
        return datetime(2000, 1, 1, tzinfo=UTC)


class NeverWakes(MemoryBackend):
    def watch(self, path, *, timeout):
        yield
        threading.Event().wait(timeout)


class WatchesForEver(MemoryBackend):
    def watch(self, path, *, timeout):
        yield from super().watch(path, timeout=timeout + 1)


class ClaimsToBeDurable(MemoryBackend):
    capabilities = frozenset({Capability.DURABLE})


class ClaimsTooLittle(MemoryBackend):
    capabilities = frozenset()


PLANTED = [
    (TellsThePresentForThePast, "test_a_read_of_the_past_is_of_its_moment_or_refused", {}),
    (AppliesWritesOneByOne, "test_a_failure_of_the_last_write_undoes_all", {"last": "check"}),
    (AppliesWritesOneByOne, "test_preconditions_see_the_store_before_the_commit", {}),
    (AppliesWritesOneByOne, "test_all_that_a_commit_changes_has_its_time", {}),
    (IgnoresMustNotExist, "test_must_not_exist_fails_when_present", {"make": preconditions._put}),
    (IgnoresMustNotExist, "test_one_creator_wins", {}),
    (IgnoresMustExist, "test_must_exist_fails_when_absent", {"make": Delete}),
    (IgnoresUpdatedAt, "test_updated_at_fails_when_stale", {"make": preconditions._put}),
    (IgnoresUpdatedAt, "test_updated_at_fails_on_a_document_created_anew", {"make": Delete}),
    (IgnoresChecks, "test_a_stale_check_undoes_all", {}),
    (RaisesTheWrongError, "test_must_exist_fails_when_absent", {"make": Check}),
    (TakesAPathTwice, "test_a_path_that_occurs_twice_is_refused", {"second": Delete(path("a"))}),
    (NeverMovesTheUpdateTime, "test_a_put_keeps_the_create_time", {}),
    (LosesMicroseconds, "test_all_that_a_commit_changes_has_its_time", {}),
    (HandsOutItsOwn, "test_what_is_handed_out_is_copied", {}),
    (KeepsTheCallersDict, "test_what_was_passed_in_is_copied", {}),
    (
        MakesIntsOfFloats,
        "test_values_come_back_equal_and_of_the_same_type",
        {"fields": values.VALUES["floats"]},
    ),
    (KeepsTheFirstCreateTime, "test_a_document_created_anew_has_new_times", {}),
    (ReadsOneByOne, "test_a_consistent_read_is_never_torn", {}),
    (ReadsThePast, "test_a_read_sees_what_was_acknowledged", {"consistent": False}),
    (ChecksBeforeItLocks, "test_no_increment_is_lost", {}),
    (ScansUnsorted, "test_bounds", {"start": None, "stop": None, "expected": "abcde"}),
    (ScansUnsorted, "test_hostile_ids_stay_apart_in_one_collection", {}),
    (SortsAsUtf16, "test_other_ids_ascend_by_their_utf8_bytes", {}),
    (IncludesTheStop, "test_bounds", {"start": "b", "stop": "d", "expected": "bc"}),
    (ScansOnePage, "test_a_long_collection_is_paged", {}),
    (ForgetsParents, "test_missing_parents_are_listed", {}),
    (TakesTrueForOne, "test_equality_is_exact", {"asked": "bool-true"}),
    (LimitsBeforeItMatches, "test_a_query_has_a_cursor_and_a_limit", {}),
    (GoesOnByTheValueAlone, "test_a_cursor_goes_on_within_equal_values", {"is_descending": False}),
    (SortsPathsByTheirText, "test_equal_values_are_ordered_by_path", {"is_descending": False}),
    (FindsWhatBegins, "test_a_list_is_found_by_what_it_holds", {"name": "tags"}),
    (CountsFromTheBeginning, "test_a_count_is_of_what_is_found", {}),
    (OrdersChangesByPath, "test_what_changed_since_is_found_or_refused", {}),
    (ForgetsStamps, "test_a_stamp_is_the_stores_time", {}),
    (StampsWhatNeedsNone, "test_the_stamps_of_a_commit_are_one", {}),
    (FoldsCase, "test_hostile_ids_stay_apart_in_one_collection", {}),
    (FindsTheDocumentTooLargeTooLate, "test_a_document_that_is_too_large_is_refused", {}),
    (LetsItsClockRunBack, "test_server_time_is_not_before_a_commit", {}),
    (NeverWakes, "test_a_change_wakes_a_watch", {"write": Delete(AT)}),
    (WatchesForEver, "test_a_watch_ends_at_its_timeout", {}),
    (ClaimsToBeDurable, "test_what_was_acknowledged_survives_a_reopening", {}),
    (ClaimsTooLittle, "test_a_watch_yields_at_its_start_or_is_refused", {}),
]
