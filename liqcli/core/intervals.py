"""
Arithmetic on half-open time intervals, for coverage and for planning downloads.

An interval is a pair ``(start, end)`` of integers [µs since the epoch] with ``start < end``. Every function takes any
list of intervals and returns a sorted list without overlaps.
"""

from __future__ import annotations

from collections.abc import Iterable

Interval = tuple[int, int]


def merge_intervals(intervals: Iterable[Interval]) -> list[Interval]:
    """Sort intervals, drop empty ones, and join those that overlap or touch."""
    merged: list[Interval] = []
    for start, end in sorted(i for i in intervals if i[0] < i[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def clip_intervals(intervals: Iterable[Interval], bounds: Interval) -> list[Interval]:
    """Return the parts inside ``bounds``."""
    low, high = bounds
    return merge_intervals((max(start, low), min(end, high)) for start, end in intervals)


def intersect_intervals(intervals: Iterable[Interval], others: Iterable[Interval]) -> list[Interval]:
    """Return the parts of ``intervals`` that lie in one of the others."""
    bounds = merge_intervals(others)
    return merge_intervals((max(s, low), min(e, high)) for s, e in merge_intervals(intervals) for low, high in bounds)


def subtract_intervals(intervals: Iterable[Interval], holes: Iterable[Interval]) -> list[Interval]:
    """Return the parts of ``intervals`` that no hole covers."""
    cuts, place = merge_intervals(holes), 0
    left: list[Interval] = []
    for start, end in merge_intervals(intervals):
        while place < len(cuts) and cuts[place][0] < end:
            low, high = cuts[place]
            if start < low:
                left.append((start, low))
            start = max(start, high)
            if high > end:  # it can overlap the next interval
                break
            place += 1
        if start < end:
            left.append((start, end))
    return left


def total_length(intervals: Iterable[Interval]) -> int:
    """Sum the lengths, overlaps counted once. [µs]"""
    return sum(end - start for start, end in merge_intervals(intervals))
