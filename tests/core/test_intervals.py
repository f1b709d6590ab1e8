"""Half-open intervals on a small number line."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqcli.core.intervals import clip_intervals, intersect_intervals, merge_intervals, subtract_intervals, total_length

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
    assert merge_intervals(given_intervals) == expected


def test_clip_cuts_both_ends_and_drops_what_only_touches():
    assert clip_intervals([(0, 4), (6, 8), (9, 12), (12, 15)], (2, 12)) == [(2, 4), (6, 8), (9, 12)]


def test_intersect_keeps_what_lies_in_both():
    assert intersect_intervals([(0, 4), (6, 9)], [(3, 7), (8, 20)]) == [(3, 4), (6, 7), (8, 9)]
    assert intersect_intervals([(0, 4)], [(0, 2), (2, 3)]) == [(0, 3)]
    assert intersect_intervals([(0, 4)], [(4, 6)]) == []


def test_subtract_splits_and_keeps_the_borders():
    assert subtract_intervals([(0, 10)], [(3, 5)]) == [(0, 3), (5, 10)]
    assert subtract_intervals([(0, 10)], [(0, 3), (8, 20)]) == [(3, 8)]
    assert subtract_intervals([(0, 10)], [(10, 12), (-4, 0)]) == [(0, 10)]
    assert subtract_intervals([(0, 10)], [(-1, 11)]) == []
    assert subtract_intervals([(0, 10)], [(4, 4)]) == [(0, 10)]


def test_total_length_counts_overlaps_once():
    assert total_length([(0, 10), (5, 15), (20, 21)]) == 16
    assert total_length([]) == 0


@given(INTERVALS, INTERVALS)
def test_sets_of_points_agree(a, b):
    assert points(merge_intervals([*a, *b])) == points(a) | points(b)
    assert points(subtract_intervals(a, b)) == points(a) - points(b)
    assert points(clip_intervals(a, (-3, 4))) == points(a) & set(range(-3, 4))
    assert points(intersect_intervals(a, b)) == points(a) & points(b)
    assert total_length(a) == len(points(a))


@given(INTERVALS)
def test_merged_is_sorted_and_never_touches(a):
    merged = merge_intervals(a)
    assert all(start < end for start, end in merged)
    assert all(before[1] < after[0] for before, after in pairwise(merged))
