"""The corruption suite: each damage is named, and repaired where the rest determines it; the others are told."""

from contextlib import suppress

import pytest

from tai_state import CorruptLogError, async_recover, async_verify
from tests._async.recovery.damages import CASES, VERSIONS, S, async_live, async_sound_contents
from tests._async.stores import TIMEOUT, async_contents, async_find


def some(cases, step):
    """Return *cases*, of which `make test` tries each of so many, and `make test-more` the others."""
    return [
        pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=() if n % step == 0 else pytest.mark.more)
        for n, case in enumerate(cases)
    ]


determined = pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.is_determined])
undetermined = pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case.is_determined])


@pytest.fixture
async def life(store):
    """A persister over a sound store, and what the store holds."""
    persister = await async_live(store)
    return persister, await async_sound_contents(store)


async def async_kinds(store):
    """Return the kinds of all that is found."""
    return {one.kind async for report in async_verify(store, "g") for one in report.problems}


async def async_recovered(store, **options):
    """Return the one report of a recovery."""
    (report,) = [report async for report in async_recover(store, "g", **options)]
    return report


async def test_what_was_written_is_sound(life, store):
    """Nothing is found, nothing done, and nothing written."""
    before = await async_contents(store)
    assert await async_kinds(store) == set()
    report = await async_recovered(store)
    assert (report.checked, report.repaired, report.unresolved, report.is_sound) == (3, [], [], True)
    assert await async_contents(store) == before


@determined
async def test_what_the_rest_determines_is_repaired(life, store, name):
    """It is named by its kind alone; then in every field; the check finds nothing more, each repair left a record."""
    persister, sound = life
    await CASES[name].damage(store)
    assert await async_kinds(store) == CASES[name].kinds
    report = await persister.recover("g")
    assert report.unresolved == []
    assert {one.kind for one in report.repaired} & CASES[name].kinds
    assert await async_sound_contents(store) == sound
    assert await async_kinds(store) == set()
    records = [path for path in await async_contents(store) if "/audit/" in path]
    assert len(records) == len(report.repaired)
    result = await persister.transition("g", "s", "add", 1)
    assert result.version == VERSIONS + 1


@undetermined
async def test_what_nothing_determines_is_told_and_left(life, store, name):
    """It is named by its kind alone, stays as it is, is told by every recovery, and copied once."""
    await CASES[name].damage(store)
    assert await async_kinds(store) == CASES[name].kinds
    damaged = await async_sound_contents(store)
    first = await async_recovered(store)
    second = await async_recovered(store)
    assert {one.kind for one in first.unresolved} == CASES[name].kinds
    assert first.unresolved == second.unresolved
    assert second.repaired == []
    assert await async_sound_contents(store) == damaged
    copies = [one async for one in store.runtime.access.backend.scan(S.governor.quarantine, timeout=TIMEOUT)]
    is_copied = CASES[name].kinds.isdisjoint({"foreign_document", "missing_dependent"})
    assert len(copies) == (len(first.unresolved) if is_copied else 0)


@pytest.mark.parametrize("name", some(CASES, 3))
async def test_a_dry_run_writes_nothing(life, store, name):
    """It tells what would be done, and what would be left."""
    await CASES[name].damage(store)
    before = await async_contents(store)
    report = await async_recovered(store, dry_run=True)
    assert await async_contents(store) == before
    assert report.is_dry_run
    assert not report.is_sound
    assert bool(report.repaired) is CASES[name].is_determined
    assert await async_find(store, S.governor.state("none").state) is None


PAIRS = list(zip(CASES, [*list(CASES)[7:], *list(CASES)[:7]], strict=True))


@pytest.mark.parametrize(("first", "second"), some(PAIRS, 4))
async def test_damages_are_told_and_repaired_together(life, store, first, second):
    """Two at once, in any order: what is left is told, and nothing was lost that one alone would not have taken."""
    persister, sound = life
    for name in (first, second):
        # What the first has taken the second cannot damage.
        with suppress(AssertionError, CorruptLogError):
            await CASES[name].damage(store)
    assert await async_kinds(store)
    report = await persister.recover("g")
    left = await async_kinds(store)
    assert {one.kind for one in report.unresolved} == left
    # Of what is gone without a trace a rebuilt state knows nothing either.
    if not left and "dependent gone without a trace" not in {first, second}:
        assert await async_sound_contents(store) == sound
    again = await persister.recover("g")
    assert (again.repaired, again.unresolved) == ([], report.unresolved)


async def test_whatever_a_state_can_lose_at_once_is_repaired(life, store):
    """Its document, a sealed event, a snapshot, a segment elsewhere, and a dependent's mark."""
    persister, sound = life
    names = ["events swapped", "snapshot altered", "segment truncated", "state deleted", "receipt of no change"]
    for name in [*names, "young state deleted"]:
        await CASES[name].damage(store)
    report = await persister.recover("g")
    assert report.unresolved == []
    assert await async_sound_contents(store) == sound
    assert await async_kinds(store) == set()
