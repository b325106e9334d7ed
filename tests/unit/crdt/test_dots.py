"""Sets of dots: few ranges, in whatever order they came."""

import random

from tai_state.crdt.dots import Dot, Dots


def test_dots_in_a_row_are_one_range():
    """So that a set is as large as its gaps are many."""
    dots = [Dot("a", number) for number in (1, 2, 3, 4, 5, 6, 8, 9)]
    random.Random(5).shuffle(dots)
    assert Dots.of(dots).data() == {"a": [[1, 6], [8, 9]]}
    assert Dots({"a": [(7, 7), (1, 2), (2, 6), (8, 9)]}).data() == {"a": [[1, 9]]}
