"""docs/scale.md against what computes its tables."""

import math

import pytest

from tai_state.scale import Load, estimate, prices
from tai_state.scale.limits import MONOTONIC_WRITES_PER_SECOND, ramp_minutes
from tests.simulation import scale
from tests.unit.docs.pages import page, rows, sections

PAGE = sections(page("scale.md"))
LOADS = [(10**4, 10), (10**4, 100), (10**6, 10**3), (10**6, 10**4), (10**8, 10**4), (10**8, 10**5)]


def short(number):
    for unit, size in (("thousand million", 1e9), ("million", 1e6)):
        if number >= size:
            return f"{number / size:,.1f} {unit}"
    return f"{number:,.0f}"


def cells(machines, moves):
    found = estimate(Load(machines=machines, moves_per_second=moves, data_bytes=500, keyed=1), prices("us-central1"))
    return [
        f"{machines:,}",
        f"{moves:,}",
        short(sum(found.documents.values())),
        f"{found.bytes / 1024**3:,.0f}",
        *map(short, (found.reads, found.writes, found.deletes)),
        f"{found.total:,.0f}",
        f"{found.writes_per_second:,.0f}",
        f"{math.ceil(ramp_minutes(found.writes_per_second))}",
        f"{math.ceil(moves / MONOTONIC_WRITES_PER_SECOND):,}",
    ]


def test_the_table_of_loads_is_what_is_estimated():
    """Row by row."""
    assert list(rows(PAGE["What that comes to"])) == [cells(*load) for load in LOADS]


def test_a_row_of_instances_is_what_the_simulation_prints():
    """That of a hot machine whose callers share commits; a longer test does all of them."""
    told = PAGE["Five hundred instances"]
    (routed,) = [one for one in scale.SCENARIOS if (one.states, one.coalescing, one.routed) == (1, True, True)]
    assert scale.row(routed) in told


@pytest.mark.more
@pytest.mark.timeout(600)
def test_the_whole_table_of_instances_is_what_the_simulation_prints():
    """All rows of it."""
    assert "\n".join(scale.table()) in PAGE["Five hundred instances"]
