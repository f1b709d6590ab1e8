"""Half-open intervals on a small number line."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqcli.core.intervals import Intervals

INTERVALS = st.lists(st.tuples(st.integers(-12, 12), st.integers(-12, 12)), max_size=6)


def points(intervals):
    """The whole numbers inside: the plainest model there is."""
    return {n for start, end in intervals for n in range(start, end)}


@pytest.mark.parametrize(
    ("given_intervals", "expected"),
    [
        ([], []),
        ([(5, 5), (7, 3)], []),  # nothing inside
        ([(3, 5), (0, 1)], [(0, 1), (3, 5)]),  # sorted
        ([(0, 3), (3, 5)], [(0, 5)]),  # touching: one stretch
        ([(0, 3), (2, 5), (4, 4)], [(0, 5)]),  # overlapping
        ([(0, 9), (2, 3)], [(0, 9)]),  # one inside the other: the end does not shrink
        ([(-5, -2), (-3, 1)], [(-5, 1)]),
    ],
)
def test_merge(given_intervals, expected):
    assert list(Intervals(given_intervals)) == expected


def test_intersection_cuts_both_ends_and_drops_what_only_touches():
    assert Intervals([(0, 4), (6, 8), (9, 12), (13, 15)]) & [(2, 12)] == ((2, 4), (6, 8), (9, 12))
    assert Intervals([(0, 4), (6, 9)]) & [(3, 7), (8, 20)] == ((3, 4), (6, 7), (8, 9))
    assert Intervals([(0, 4)]) & [(0, 2), (2, 3)] == ((0, 3),)
    assert Intervals([(0, 4)]) & [(4, 6)] == ()


def test_difference_splits_and_keeps_the_borders():
    assert Intervals([(0, 10)]) - [(3, 5)] == ((0, 3), (5, 10))
    assert Intervals([(0, 10)]) - [(0, 3), (8, 20)] == ((3, 8),)
    assert Intervals([(0, 10)]) - [(10, 12), (-4, 0)] == ((0, 10),)
    assert Intervals([(0, 10)]) - [(-1, 11)] == ()
    assert Intervals([(0, 10)]) - [(4, 4)] == ((0, 10),)


def test_length_counts_overlaps_once():
    assert Intervals([(0, 10), (5, 15), (20, 21)]).length == 16
    assert Intervals().length == 0


@given(INTERVALS, INTERVALS)
def test_sets_of_points_agree(a, b):
    assert points(Intervals(a) | b) == points(a) | points(b)
    assert points(Intervals(a) - b) == points(a) - points(b)
    assert points(Intervals(a) & b) == points(a) & points(b)
    assert Intervals(a).length == len(points(a))


@given(INTERVALS)
def test_merged_is_sorted_and_never_touches(a):
    merged = Intervals(a)
    assert all(start < end for start, end in merged)
    assert all(before[1] < after[0] for before, after in pairwise(merged))
